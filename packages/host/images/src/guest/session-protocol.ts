/**
 * What host and guest say on the port `cloister.control`, in lines of ASCII ended by LF:
 *
 * | from | line | means |
 * |---|---|---|
 * | guest | `READY 1` | the guest is up and speaks version 1 of this protocol |
 * | host | `RUN <n>` and then n bytes | the session's script (`sessionScript`); once |
 * | host | `WINCH <rows> <columns>` | the terminal has this size |
 * | host | `SIGNAL <name>` | send this signal (`TERM`, `INT`, `9`, …) to the command's process group |
 * | host | `NEXT` | after `EXIT` of a script that asked for it (`again`): another `RUN` will follow |
 * | guest | `EXIT <status> <n> <m>` | the command has ended, and n bytes were sent on stdout, m on stderr |
 *
 * The host must have opened all four ports before the guest reads them, and must wait for `READY` before it sends. Ports
 * have queues of their own, so `EXIT` may arrive before the last output: the host waits until it has n and m bytes (with a
 * terminal both are 0 and the output has left the guest before). After `EXIT` the guest powers off by itself.
 * Status is the command's, 128 + n where signal n ended it, 126 and 127 as in a shell, 125 if the session could not be set up.
 */
export const SESSION_PORTS = ['cloister.control', 'cloister.stdin', 'cloister.stdout', 'cloister.stderr'] as const;
export type SessionPort = (typeof SESSION_PORTS)[number];

export interface SessionOptions {
  /** The command and its arguments. Empty: the image's shell, as a login shell. */
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Made if it does not exist, as Docker does. Default `/`. */
  readonly cwd?: string;
  /** A name or a number, with `:group` if wanted. Default root. */
  readonly user?: string;
  /** The guest goes on after the command and takes another; only without a terminal. */
  readonly again?: boolean;
  /** A block device with a tar archive to unpack first, and the directories that must be there for it. */
  readonly unpack?: { readonly device: string; readonly directories: readonly string[] };
  /** Run on a terminal of this size instead of pipes. */
  readonly terminal?: { readonly rows: number; readonly columns: number };
}

/** Longest script in bytes that the guest accepts. */
export const SESSION_SCRIPT_LIMIT = 4 * 1024 * 1024;

/**
 * The shell script (POSIX sh) that runs one command in a guest. Every word from the caller is single-quoted. Throws
 * RangeError for what no process can have: NUL bytes, a name of an environment variable that is none, a script too long.
 */
export function sessionScript(options: SessionOptions): string {
  const { argv, env = {}, cwd = '/', user, terminal, again = false, unpack } = options;
  const lines = [
    terminal === undefined
      ? `#cloister ${again ? 'again' : 'pipes'}`
      : `#cloister terminal ${size(terminal.rows)} ${size(terminal.columns)}`,
  ];
  lines.push('export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOSTNAME=cloister HOME=/root');
  if (terminal !== undefined) lines.push('export TERM=xterm-256color');
  const identity = user === undefined || user === '' ? undefined : USER_FORM.exec(user);
  if (identity === null) throw new RangeError(`"${user}" is not a user`);
  if (identity !== undefined) lines.push(`user=${quoted(identity[1]!)} group=${quoted(identity[2] ?? '')}`, FIND_USER);
  for (const [name, value] of Object.entries(env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw new RangeError(`"${name}" is not the name of an environment variable`);
    lines.push(`export ${name}=${quoted(value)}`);
  }
  if (unpack !== undefined)
    lines.push(
      `mkdir -p -- ${unpack.directories.map(quoted).join(' ')}`,
      `/run/cloister/busybox tar -x -f ${quoted(unpack.device)} -C / || exit 125`,
    );
  lines.push(`mkdir -p -- ${quoted(cwd)} 2> /dev/null`, `cd -- ${quoted(cwd)} || exit 125`);
  if (argv.length > 0) lines.push(`set -- ${argv.map(quoted).join(' ')}`);
  else lines.push('if [ -x /bin/bash ]; then set -- /bin/bash -l; else set -- /bin/sh -l; fi');
  if (argv.length === 0 && terminal !== undefined) lines.push('[ -f /etc/motd ] && cat /etc/motd');
  lines.push(identity === undefined ? 'exec "$@"' : BECOME_USER);
  const script = `${lines.join('\n')}\n`;
  if (Buffer.byteLength(script) > SESSION_SCRIPT_LIMIT)
    throw new RangeError('The command with its environment is too long');
  return script;
}

/** The bytes that start a session: the `RUN` line and the script. */
export function runMessage(script: string): Uint8Array {
  const body = Buffer.from(script, 'utf8');
  return Buffer.concat([Buffer.from(`RUN ${body.length}\n`), body]);
}

/** Asks for another session after `EXIT`. */
export function nextMessage(): Uint8Array {
  return Buffer.from('NEXT\n');
}

export function windowSizeMessage(rows: number, columns: number): Uint8Array {
  return Buffer.from(`WINCH ${size(rows)} ${size(columns)}\n`);
}

/** `name` with or without `SIG`. Throws RangeError for what is no signal's name or number. */
export function signalMessage(name: string): Uint8Array {
  const short = name.replace(/^SIG/, '');
  if (!/^[A-Z0-9+-]{1,12}$/.test(short)) throw new RangeError(`"${name}" is not a signal`);
  return Buffer.from(`SIGNAL ${short}\n`);
}

/** What a guest said. Guests may say anything: `unknown` is to be reported, never acted upon. */
export type GuestMessage =
  | { readonly kind: 'ready'; readonly version: number }
  | { readonly kind: 'exit'; readonly status: number; readonly stdoutBytes: number; readonly stderrBytes: number }
  | { readonly kind: 'unknown'; readonly line: string };

/** A line longer than this is not a message. */
const LINE_LIMIT = 256;

/** A parser of the control port's bytes: give it chunks, it returns the messages that they complete. */
export function guestMessages(): (chunk: Uint8Array) => GuestMessage[] {
  let pending = '';
  return (chunk) => {
    pending += Buffer.from(chunk).toString('latin1');
    const lines = pending.split('\n');
    pending = lines.pop() ?? '';
    if (pending.length > LINE_LIMIT) {
      lines.push(pending.slice(0, LINE_LIMIT));
      pending = '';
    }
    return lines.map(messageOf);
  };
}

function messageOf(line: string): GuestMessage {
  const ready = /^READY (\d{1,4})$/.exec(line);
  if (ready !== null) return { kind: 'ready', version: Number(ready[1]) };
  const exit = /^EXIT (\d{1,3}) (\d{1,15}) (\d{1,15})$/.exec(line);
  if (exit !== null && Number(exit[1]) <= 255) {
    return { kind: 'exit', status: Number(exit[1]), stdoutBytes: Number(exit[2]), stderrBytes: Number(exit[3]) };
  }
  return { kind: 'unknown', line: line.slice(0, LINE_LIMIT).replace(/[^\x20-\x7e]/g, '?') };
}

const USER_FORM = /^([a-z_0-9][a-z0-9_.-]*\$?)(?::([a-z_0-9][a-z0-9_.-]*\$?))?$/i;

/** Sets uid, gid, HOME and `named` from `$user` and `$group`; 125 with a line for a user or group that is not there. */
const FIND_USER = `uid= gid= named=
while IFS=: read -r name _ id primary _ home _; do
  if [ "$name" = "$user" ] || [ "$id" = "$user" ]; then uid=$id gid=$primary named=$name HOME=$home; break; fi
done < /etc/passwd
case $uid$user in
  *[!0-9]*) [ -n "$uid" ] || { echo "unable to find user $user" >&2; exit 125; } ;;
  *) [ -n "$uid" ] || { uid=$user gid=0 HOME=/; } ;;
esac
if [ -n "$group" ]; then
  gid=
  while IFS=: read -r name _ id _; do
    if [ "$name" = "$group" ]; then gid=$id; break; fi
  done < /etc/group
  case $group in
    *[!0-9]*) [ -n "$gid" ] || { echo "unable to find group $group" >&2; exit 125; } ;;
    *) [ -n "$gid" ] || gid=$group ;;
  esac
fi`;

/** Gives the command its standard input (a pipe of root's, which it could not open again) and drops root's identity. */
const BECOME_USER = `chown "$uid" /proc/self/fd/0 2> /dev/null
if [ -x /usr/bin/setpriv ]; then
  if [ -n "$named" ]; then set -- --init-groups -- "$@"; else set -- --clear-groups -- "$@"; fi
  exec /usr/bin/setpriv --reuid "$uid" --regid "$gid" "$@"
fi
# busybox's su knows users of /etc/passwd alone, and their own groups.
if [ -z "$named" ] || [ -n "$group" ]; then
  named=cloister-$uid
  echo "$named:x:$uid:$gid::$HOME:/bin/sh" >> /etc/passwd
fi
exec su -p -s /bin/sh -c 'exec "$0" "$@"' -- "$named" "$@"`;

function quoted(word: string): string {
  if (word.includes('\0')) throw new RangeError('A word of the command holds a NUL byte');
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function size(value: number): number {
  return Number.isInteger(value) && value > 0 && value < 65536 ? value : 24;
}
