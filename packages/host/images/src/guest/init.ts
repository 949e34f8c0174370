/**
 * The first process of every guest that Cloister makes, for busybox's sh. The same text serves the `busybox` image, the
 * `debian` images (with `cloister.root=` on the command line: it then goes on from the root disk) and the virtual machine
 * that builds images. Its side of the conversation is in `session-protocol.ts`.
 *
 * The text must hold no backquote and no dollar-brace, so that it stands here as it runs.
 */
export const GUEST_INIT = String.raw`#!/bin/busybox sh
# Cloister's init: mounts what a Linux system has, finds its console ports, runs one command for the host, powers off.
run=/run/cloister

fail() {
  echo "cloister-init: $*" > /dev/console
  /bin/busybox poweroff -f || $run/busybox poweroff -f
  exit 1
}

# First phase, in the initramfs. ----------------------------------------------------------------------------------

start() {
  b=/bin/busybox
  $b mkdir -p /proc /sys /dev /run /tmp /root
  $b mount -t proc -o nosuid,nodev,noexec proc /proc
  $b mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
  $b mount -t devtmpfs -o nosuid,mode=0755 devtmpfs /dev
  $b mkdir -p /dev/pts /dev/shm
  $b mount -t devpts -o nosuid,noexec,gid=5,mode=620,ptmxmode=666 devpts /dev/pts
  $b mount -t tmpfs -o nosuid,nodev tmpfs /dev/shm
  $b mount -t tmpfs -o nosuid,nodev,mode=0755 tmpfs /run
  for link in fd:/proc/self/fd stdin:/proc/self/fd/0 stdout:/proc/self/fd/1 stderr:/proc/self/fd/2; do
    $b ln -sf $(echo $link | $b cut -d: -f2) /dev/$(echo $link | $b cut -d: -f1)
  done
  $b chmod 1777 /tmp /dev/shm
  $b mkdir -p -m 0755 /run/lock
  $b mkdir -m 0700 $run
  $b cp $b $run/busybox
  $b cp /init $run/init

  # Modules only where there is a disk: device number 2 is a block device (virtio 1.2, 5).
  for device in /sys/bus/virtio/devices/*; do
    { read -r number < $device/device; } 2> /dev/null || continue
    if [ "$number" = 0x0002 ]; then
      while read -r module; do
        $b insmod /lib/modules/$module || fail "cannot load the module $module"
      done < /lib/modules/order
      break
    fi
  done

  root=
  for word in $(cat_file /proc/cmdline); do
    case $word in
      cloister.root=*) root=$(echo $word | $b cut -d= -f2) ;;
    esac
  done
  if [ -z "$root" ]; then
    $b --install -s /bin
    exec $run/busybox sh $run/init session
  fi

  tries=0
  while [ ! -b "$root" ]; do
    tries=$((tries + 1))
    [ $tries -gt 500 ] && fail "the root disk $root does not appear"
    $b usleep 10000
  done
  $b mkdir /new-root
  $b mount -t ext4 -o noatime "$root" /new-root || fail "cannot mount the root disk $root"
  for directory in proc sys dev run; do
    $b mount -o move /$directory /new-root/$directory || fail "the root disk has no directory /$directory"
  done
  exec $b switch_root -c /dev/console /new-root $run/busybox sh $run/init session
}

cat_file() {
  while read -r line; do echo "$line"; done < "$1"
}

# Second phase, in the root that the command sees. --------------------------------------------------------------------

# Ports appear one by one, named by messages from the host. All must be there before anything is said.
find_ports() {
  control= in= out= err=
  for port in /sys/class/virtio-ports/*; do
    { read -r name < $port/name; } 2> /dev/null || continue
    case $name in
      cloister.control) control=/dev/$($b basename $port) ;;
      cloister.stdin) in=/dev/$($b basename $port) ;;
      cloister.stdout) out=/dev/$($b basename $port) ;;
      cloister.stderr) err=/dev/$($b basename $port) ;;
    esac
  done
  [ -c "$control" ] && [ -c "$in" ] && [ -c "$out" ] && [ -c "$err" ]
}

# Waits until a pump (a dd) has passed on all that was written to its pipe: it is then blocked in read (system call 63).
# It never sees the pipe's end, since init holds the pipe open, so that what the command left running cannot delay it.
drain() {
  turns=0
  while { read -r call rest < /proc/$1/syscall; } 2> /dev/null; do
    [ "$call" = 63 ] && return
    turns=$((turns + 1))
    [ $turns -gt 200 ] && $b usleep 5000
  done
}

# How many bytes a pump has written.
written() {
  while read -r key value; do
    if [ "$key" = wchar: ]; then
      echo "$value"
      return
    fi
  done < /proc/$1/io
}

# Neither of the two runs it in the background: a shell has its background jobs ignore SIGINT and SIGQUIT for good.

# Runs the session's script without a terminal: standard input is a pipe (a FIFO without a writer could not be opened
# again through /dev/stdin), the outputs are FIFOs that any user may open again through /dev/stdout and /dev/stderr.
run_with_pipes() {
  $b mkfifo -m 0666 $run/out $run/err
  exec 4<> $run/out 5<> $run/err
  $b dd bs=65536 < $run/out > $out 2> /dev/null 3>&- &
  out_pump=$!
  $b dd bs=65536 < $run/err > $err 2> /dev/null 3>&- &
  err_pump=$!
  $b sh -c 'echo $$ > /run/cloister/in.pid; exec /run/cloister/busybox dd bs=65536' < $in 2> /dev/null 3>&- 4>&- 5>&- |
    {
      # In a subshell of its own, so that the shell's word on a signal does not go to the command's stderr.
      (exec $b setsid $b sh -c "$launch" > $run/out 2> $run/err 3>&- 4>&- 5>&-)
      echo $? > $run/status
      read -r pump < $run/in.pid && kill $pump
    } 2> /dev/null
  drain $out_pump
  drain $err_pump
  read -r status < $run/status
  echo "EXIT $status $(written $out_pump) $(written $err_pump)" >&3
}

# Runs it on the console hvc0 as its controlling terminal.
run_on_terminal() {
  # Held open: a terminal forgets its size when the last that has it open goes.
  exec 6<> /dev/hvc0
  $b stty rows $1 cols $2 <&6
  {
    (exec $b setsid -c $b sh -c "$launch" < /dev/hvc0 > /dev/hvc0 2>&1 3>&- 6>&-)
    echo $? > $run/status
  } 2> /dev/null
  # Changing a terminal's mode waits for its output.
  $b stty sane <&6
  read -r status < $run/status
  echo "EXIT $status 0 0" >&3
}

# Obeys the host while the command runs.
obey() {
  while read -r verb first second; do
    case $verb in
      WINCH) $b stty rows $first cols $second < /dev/hvc0 ;;
      SIGNAL)
        until [ -s $run/pid ]; do $b usleep 10000; done
        read -r pid < $run/pid
        kill -$first -- -$pid
        ;;
      NEXT) exit 0 ;;
    esac 2> /dev/null
  done <&3
  # The host is gone.
  $b poweroff -f
}

session() {
  b=$run/busybox
  $b hostname cloister
  $b ip link set lo up 2> /dev/null
  tries=0
  until find_ports; do
    tries=$((tries + 1))
    [ $tries -gt 3000 ] && fail "the console ports do not appear"
    $b usleep 10000
  done
  exec 3<> $control
  echo "READY 1" >&3
  while serve; do :; done
  kill -9 -1
  $b sync
  $b umount -a -r 2> /dev/null
  $b poweroff -f
  fail "cannot power off"
}

# One session. Succeeds when the host may send another after it.
serve() {
  read -r verb length <&3 || fail "the host closed the control port"
  [ "$verb" = RUN ] && [ "$length" -gt 0 ] && [ "$length" -le 4194304 ] || fail "not a RUN message: $verb $length"
  $b dd bs=$length count=1 iflag=fullblock <&3 > $run/session 2> /dev/null
  read -r magic mode rows columns rest < $run/session
  shell=/bin/sh
  [ -x $shell ] || shell="$run/busybox sh"
  launch="echo \$\$ > $run/pid; exec $b env -i $shell $run/session"
  obey &
  obeying=$!
  case $mode in
    pipes | again) run_with_pipes ;;
    terminal) run_on_terminal $rows $columns ;;
    *) fail "not a session: $magic $mode" ;;
  esac
  [ $mode = again ] || return 1
  # Until the host has said NEXT.
  wait $obeying
  kill $out_pump $err_pump
  exec 4>&- 5>&-
  $b rm -f $run/out $run/err $run/pid $run/status $run/in.pid $run/session
}

case $1 in
  session) session ;;
  *) start ;;
esac
`;
