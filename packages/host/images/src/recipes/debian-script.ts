import { PUBLIC_MIRROR } from '../mirror/mirror.ts';

/** UUIDs and hash seed of every root disk: fixed, so that the same packages give the same bytes. */
const ROOT_UUID = '636c6f69-7374-4572-8000-000000000001';
const HASH_SEED = '636c6f69-7374-4572-8000-000000000002';

/** What dpkg leaves out of an image: documents, manuals and translations (a quarter of the unpacking, engine.md). Copyright files stay. */
const DPKG_EXCLUDES = `path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/man/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/lintian/*
path-exclude=/usr/share/locale/*
path-include=/usr/share/locale/locale.alias
`;

const MOTD = `Debian on Cloister. There is no network yet, and changes vanish when this machine ends. To keep or bring things:
  cloister image build NAME --from debian --packages gcc,python3    an image with more packages
  cloister run --disk FILE debian                                   a disk of your own
  tar c . | cloister run debian tar x                               files through a pipe
`;

const APT_NOTE =
  'Cloister: there is no network in this machine yet; use: cloister image build NAME --from debian --packages PACKAGE';

/**
 * Parts that the scripts of both kinds of build share. Run by sh with `set -e`. Commands after `chroot` have their whole
 * path: busybox's chroot would take a bare name for an applet of its own, and it has a dpkg and a mke2fs.
 */
const MOUNT_SYSTEM = String.raw`mount_system() {
  mkdir -p "$1/proc" "$1/dev"
  mount -t proc proc "$1/proc"
  mount -o bind /dev "$1/dev"
}
unmount_system() {
  umount "$1/dev"
  umount "$1/proc"
}
# What dpkg and the maintainer scripts would do for a running system, or do slowly for nothing: stubbed, then restored.
stub() {
  printf '#!/bin/sh\nexit 101\n' > "$1/usr/sbin/policy-rc.d"
  chmod 755 "$1/usr/sbin/policy-rc.d"
  if [ -e "$1/usr/bin/deb-systemd-helper" ]; then
    mv "$1/usr/bin/deb-systemd-helper" "$1/usr/bin/deb-systemd-helper.cloister"
    printf '#!/bin/sh\nexit 0\n' > "$1/usr/bin/deb-systemd-helper"
    chmod 755 "$1/usr/bin/deb-systemd-helper"
  fi
}
unstub() {
  rm -f "$1/usr/sbin/policy-rc.d"
  if [ -e "$1/usr/bin/deb-systemd-helper.cloister" ]; then
    mv "$1/usr/bin/deb-systemd-helper.cloister" "$1/usr/bin/deb-systemd-helper"
  fi
}
# What differs from build to build: logs, caches, backups, the machine's identity, and every time after the epoch.
make_reproducible() {
  rm -rf "$1"/var/cache/apt/*.bin "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/* "$1"/var/cache/ldconfig/aux-cache
  rm -f "$1"/var/cache/debconf/*-old "$1"/var/lib/dpkg/*-old "$1"/etc/*- "$1"/var/lib/dbus/machine-id "$1"/etc/.pwd.lock "$1"/var/lib/dpkg/lock* "$1"/var/lib/dpkg/triggers/Lock "$1"/var/cache/apt/archives/lock "$1"/root/.bash_history
  rm -rf "$1"/var/log/journal "$1"/lost+found "$1"/tmp/* "$1"/var/tmp/*
  find "$1/var/log" -type f -exec rm -f {} +
  : > "$1/etc/machine-id"
  touch -d "@$epoch" /reference
  find "$1" -xdev -newer /reference -exec touch -h -d "@$epoch" {} +
}
`;

/**
 * The script that makes a root disk from packages, run on the busybox image with the blank root disk as /dev/vda and the
 * scratch disk as /dev/vdb: the scratch root in memory, Debian's dpkg unpacks into a directory in memory and configures
 * there, Debian's mke2fs lays the directory out on the disk. `epoch` in seconds is the time of everything that is made.
 */
export function debianScript(epoch: number, suite: string): string {
  return `${prelude(epoch)}
echo "@ reading the packages"
mkdir /build
mount -t tmpfs -o size=100%,mode=755 tmpfs /build
cd /build
tar -x -f /dev/vdb
mkdir -p target tmp
chmod 1777 tmp
mount_system /build
chroot /build /usr/sbin/ldconfig 2> /dev/null || true

echo "@ unpacking $(ls debs | wc -l) packages"
cd target
mkdir -p usr/bin usr/sbin usr/lib etc/dpkg/dpkg.cfg.d etc/apt var/lib/dpkg/info var/lib/dpkg/updates var/lib/dpkg/triggers
for directory in bin sbin lib; do ln -s usr/$directory $directory; done
: > var/lib/dpkg/status
: > var/lib/dpkg/available
cat > etc/dpkg/dpkg.cfg.d/cloister << 'END'
${DPKG_EXCLUDES}END
cp etc/dpkg/dpkg.cfg.d/cloister /build/etc/dpkg/dpkg.cfg.d/cloister
cd /build
chroot /build /bin/sh -c 'exec dpkg --root=/target --force-depends --force-script-chrootless --force-unsafe-io --unpack /debs/*.deb' >&2
rm -rf debs

echo "@ configuring"
mount_system /build/target
stub /build/target
chroot /build/target /usr/bin/dpkg --force-depends --force-unsafe-io --configure -a >&2
unstub /build/target
chroot /build/target /usr/bin/dpkg --audit >&2
unmount_system /build/target

cd /build/target
echo cloister > etc/hostname
printf '127.0.0.1 localhost cloister\\n::1 localhost\\n' > etc/hosts
cat > etc/motd << 'END'
${MOTD}END
rm -f etc/apt/sources.list.d/*
cat > etc/apt/sources.list << 'END'
# There is no network in this machine yet: apt cannot download. Add packages from outside:
#   cloister image build NAME --from debian --packages PACKAGE
deb ${PUBLIC_MIRROR} ${suite} main
END
cat > etc/apt/apt.conf.d/90cloister << 'END'
Acquire::Retries "0";
APT::Update::Pre-Invoke { "echo '${APT_NOTE}' >&2"; };
END
echo "@ writing the disk"
make_reproducible /build/target
${layOut('/build', '/target', '/dev/vda')}
`;
}

/** Lays a directory out as the file system of a disk, with the tools of the system at `system` (its own /dev is there). */
function layOut(system: string, directory: string, disk: string): string {
  const options = `hash_seed=${HASH_SEED},root_owner=0:0,nodiscard,assume_storage_prezeroed=1`;
  return `E2FSPROGS_FAKE_TIME=$epoch chroot ${system} /usr/sbin/mke2fs -q -F -t ext4 -b 4096 -O ^has_journal,^resize_inode -L cloister-root \\
  -U ${ROOT_UUID} -E ${options} -d ${directory} ${disk} >&2
sync`;
}

function prelude(epoch: number): string {
  return `set -e
epoch=${epoch}
export SOURCE_DATE_EPOCH=$epoch DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C TZ=UTC PERL_HASH_SEED=0
date -u -s "@$epoch" > /dev/null
${MOUNT_SYSTEM}`;
}

export const SCRIPT_PARTS = { prelude, layOut } as const;
