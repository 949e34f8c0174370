// The integer kernel of `npm run bench -- interpreter`: a bitwise CRC-32, a Shell sort and a matrix product, over data
// from a linear congruential generator. REPEATS sets its length. It reports through `tohost`, as riscv-tests do.
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

volatile u64 tohost __attribute__((section(".tohost")));

static u8 bytes[4096];
static int numbers[2048];
static u64 left[32][32], right[32][32], product[32][32];

static u32 crc32(const u8 *data, int length) {
  u32 crc = ~0u;
  for (int i = 0; i < length; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xedb88320u & -(crc & 1));
  }
  return ~crc;
}

static void shell_sort(int *data, int count) {
  for (int gap = count / 2; gap > 0; gap /= 2)
    for (int i = gap; i < count; i++) {
      int value = data[i], j = i;
      for (; j >= gap && data[j - gap] > value; j -= gap) data[j] = data[j - gap];
      data[j] = value;
    }
}

static u64 multiply(void) {
  for (int i = 0; i < 32; i++)
    for (int j = 0; j < 32; j++) left[i][j] = i * j + 1, right[i][j] = i ^ j;
  for (int i = 0; i < 32; i++)
    for (int j = 0; j < 32; j++) {
      u64 sum = 0;
      for (int k = 0; k < 32; k++) sum += left[i][k] * right[k][j];
      product[i][j] = sum;
    }
  return product[7][9];
}

int main(void) {
  u64 result = 0;
  u32 seed = 1;
  for (int repeat = 0; repeat < REPEATS; repeat++) {
    for (int i = 0; i < 4096; i++) bytes[i] = (seed = seed * 1103515245u + 12345u) >> 16;
    result += crc32(bytes, 4096);
    for (int i = 0; i < 2048; i++) numbers[i] = (seed = seed * 1103515245u + 12345u) >> 8;
    shell_sort(numbers, 2048);
    result += numbers[100] + multiply();
  }
  tohost = result != 0 ? 1 : 3;
  for (;;) {
  }
}
