import { unarmor } from './armor.ts';
import { type Packet, packetsOf, TAG } from './packets.ts';
import { keyPrefix, type PublicKey, publicKeyOf } from './public-key.ts';
import { isIssuedBy, type Signature, signatureHolds, signatureOf } from './signature.ts';

/** A key that may sign data, with the primary key that vouches for it. Times in seconds since 1970. */
export interface SigningKey {
  readonly primaryFingerprint: string;
  readonly key: PublicKey;
  /** Undefined: never. */
  readonly expires: number | undefined;
}

const CAN_SIGN = 0x02;
const TYPE = {
  directKey: 0x1f,
  subkeyBinding: 0x18,
  primaryBinding: 0x19,
  keyRevocation: 0x20,
  subkeyRevocation: 0x28,
} as const;
const CERTIFICATIONS = new Set([0x10, 0x11, 0x12, 0x13]);

/**
 * The keys of a keyring (binary or armored) that may sign data and whose primary key's fingerprint is in `pins`
 * (upper-case hex). A primary key counts with a valid self-signature; a subkey with a valid binding by the primary and a
 * back-signature by itself (RFC 4880, 5.2.1, types 0x18 and 0x19); neither when revoked. Keys that are not pinned, and
 * what cannot be read, are left out. Throws `malformed` or `truncated` for what is no keyring at all.
 */
export function signingKeys(keyring: Uint8Array, pins: ReadonlySet<string>): SigningKey[] {
  const armored = keyring[0] === 0x2d;
  const packets = packetsOf(armored ? unarmor(Buffer.from(keyring).toString('latin1'), 'PUBLIC KEY BLOCK') : keyring);
  const starts = packets.flatMap((packet, index) => (packet.tag === TAG.publicKey ? [index] : []));
  return starts.flatMap((start, index) => certificate(packets.slice(start, starts[index + 1] ?? packets.length), pins));
}

function certificate(packets: readonly Packet[], pins: ReadonlySet<string>): SigningKey[] {
  const primary = publicKeyOf(packets[0]!.body);
  if (primary === undefined || !pins.has(primary.fingerprint)) return [];
  const primaryData = [keyPrefix(primary.body), primary.body];
  let certified: Signature | undefined;
  let direct: Signature | undefined;
  const subkeys = new Map<PublicKey, { binding: Signature | undefined; revoked: boolean }>();
  let subkey: PublicKey | undefined;
  let inSubkeys = false;
  let userId: Uint8Array | undefined;
  for (const packet of packets.slice(1)) {
    if (packet.tag === TAG.userId) userId = packet.body;
    else if (packet.tag === TAG.publicSubkey) {
      inSubkeys = true;
      subkey = publicKeyOf(packet.body);
      if (subkey !== undefined) subkeys.set(subkey, { binding: undefined, revoked: false });
    } else if (packet.tag === TAG.signature) {
      const signature = signatureOf(packet.body);
      if (signature === undefined || !isIssuedBy(signature, primary)) continue;
      if (!inSubkeys) {
        if (signature.type === TYPE.keyRevocation && signatureHolds(signature, primary, primaryData)) return [];
        const certifies = CERTIFICATIONS.has(signature.type) && userId !== undefined;
        if (signature.type === TYPE.directKey && newer(signature, direct)) {
          if (signatureHolds(signature, primary, primaryData)) direct = signature;
        } else if (certifies && newer(signature, certified)) {
          if (signatureHolds(signature, primary, [...primaryData, userIdPrefix(userId!), userId!]))
            certified = signature;
        }
      } else if (subkey !== undefined) {
        const state = subkeys.get(subkey)!;
        const data = [...primaryData, keyPrefix(subkey.body), subkey.body];
        if (signature.type === TYPE.subkeyRevocation && signatureHolds(signature, primary, data)) state.revoked = true;
        if (
          signature.type === TYPE.subkeyBinding &&
          newer(signature, state.binding) &&
          signatureHolds(signature, primary, data)
        ) {
          state.binding = signature;
        }
      }
    }
  }
  const self = certified ?? direct;
  if (self === undefined) return [];
  // Either kind of self-signature may say when the key ends (GnuPG writes it into both or into one): the earlier counts.
  const primaryExpires = earlier(certified && expiry(primary, certified), direct && expiry(primary, direct));
  const out: SigningKey[] = [];
  // Without flags a primary key may sign (RFC 4880, 5.2.3.21 leaves it open; GnuPG does so).
  if (((self.keyFlags ?? CAN_SIGN) & CAN_SIGN) !== 0) {
    out.push({ primaryFingerprint: primary.fingerprint, key: primary, expires: primaryExpires });
  }
  for (const [key, { binding, revoked }] of subkeys) {
    if (revoked || binding === undefined || ((binding.keyFlags ?? 0) & CAN_SIGN) === 0) continue;
    const back = binding.embedded === undefined ? undefined : signatureOf(binding.embedded);
    if (back?.type !== TYPE.primaryBinding) continue;
    if (!signatureHolds(back, key, [...primaryData, keyPrefix(key.body), key.body])) continue;
    out.push({ primaryFingerprint: primary.fingerprint, key, expires: earlier(expiry(key, binding), primaryExpires) });
  }
  return out;
}

function newer(signature: Signature, than: Signature | undefined): boolean {
  return than === undefined || signature.created >= than.created;
}

function expiry(key: PublicKey, signature: Signature): number | undefined {
  return signature.keyExpiresAfter === undefined ? undefined : key.created + signature.keyExpiresAfter;
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function userIdPrefix(userId: Uint8Array): Uint8Array {
  const out = new Uint8Array(5);
  out[0] = 0xb4;
  new DataView(out.buffer).setUint32(1, userId.length);
  return out;
}
