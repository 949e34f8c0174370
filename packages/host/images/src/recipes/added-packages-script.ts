import { SCRIPT_PARTS } from './debian-script.ts';

/** The mirror that the guest's apt is told of: it can never be reached. */
export const GUEST_MIRROR = 'http://mirror.invalid/debian';

/** Where apt looks for the index of `GUEST_MIRROR`: its URL with `/` as `_`. */
export function guestListName(suite: string): string {
  return `mirror.invalid_debian_dists_${suite}_main_binary-riscv64_Packages`;
}

/** Installs nothing that was not asked for, from the given lists alone, trusting what the host has verified. */
function aptGet(directory: string, suite: string): { setUp: string; command: string } {
  const setUp = `mkdir -p $root${directory}/lists/partial $root${directory}/etc
echo "deb [trusted=yes] ${GUEST_MIRROR} ${suite} main" > $root${directory}/etc/sources.list`;
  const settings = [
    `Dir::Etc::SourceList=${directory}/etc/sources.list`,
    'Dir::Etc::SourceParts=/dev/null',
    `Dir::State::Lists=${directory}/lists`,
    'APT::Sandbox::User=root',
    'APT::Get::AllowUnauthenticated=true',
    'APT::Install-Recommends=false',
    'APT::Color=0',
    'DPkg::Options::=--force-unsafe-io',
    'Dpkg::Use-Pty=0',
  ];
  return { setUp, command: `/usr/bin/apt-get ${settings.map((setting) => `-o ${setting}`).join(' ')} -q -y` };
}

/**
 * Asks the guest's own apt which packages are missing, run in the image to extend with a scratch disk as /dev/vdb that
 * holds `lists/…`. Package names must have been checked: they stand in the script as they are.
 */
export function resolveScript(suite: string, packages: readonly string[]): string {
  const apt = aptGet('/run/build', suite);
  return `set -e
root=
echo "@ resolving"
mkdir -p /run/build
tar -x -f /dev/vdb -C /run/build
${apt.setUp}
${apt.command} --print-uris install ${packages.join(' ')}
`;
}

/**
 * Installs packages and lays the result out on a new disk, run on the busybox image: the new disk is /dev/vda, the image
 * to extend /dev/vdb (its changes are thrown away), the scratch disk /dev/vdc holds mke2fs with its libraries, and below
 * `build` apt's lists and the packages.
 */
export function installScript(epoch: number, suite: string, packages: readonly string[]): string {
  const apt = aptGet('/var/cache/build', suite);
  return `${SCRIPT_PARTS.prelude(epoch)}
echo "@ reading the packages"
mkdir /tools /root-disk
mount -t tmpfs -o size=100%,mode=755 tmpfs /tools
mount -t ext4 -o noatime /dev/vdb /root-disk
# busybox's tar cannot leave out, only select.
tar -x -f /dev/vdc -C /tools bin lib sbin usr
tar -x -f /dev/vdc -C /root-disk/var/cache build
root=/root-disk
${apt.setUp}
mv /root-disk/var/cache/build/archives/*.deb /root-disk/var/cache/apt/archives/ 2> /dev/null || true

echo "@ installing"
mount_system /root-disk
stub /root-disk
chroot /root-disk ${apt.command} install ${packages.join(' ')} >&2
unstub /root-disk
chroot /root-disk /usr/bin/dpkg --audit >&2
unmount_system /root-disk

echo "@ writing the disk"
rm -rf /root-disk/var/cache/build
make_reproducible /root-disk
mkdir -p /tools/target /tools/dev
mount -o bind /dev /tools/dev
mount -o bind /root-disk /tools/target
${SCRIPT_PARTS.layOut('/tools', '/target', '/dev/vda')}
`;
}
