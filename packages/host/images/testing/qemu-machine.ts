// The launcher's interface over Debian's qemu-system-riscv64, for peer tests: the same images on another machine.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MachineEnd, Port, VirtualMachine, VirtualMachineConfig } from '@cloister/launcher';

/** Starts QEMU with all ports connected before the guest runs. `killAfterMs` bounds every run. */
export function qemuStarter(killAfterMs: number): (config: VirtualMachineConfig) => Promise<VirtualMachine> {
  return async (config) => {
    const directory = mkdtempSync(join(tmpdir(), 'qemu-'));
    const file = (name: string, content: string | Uint8Array) => {
      if (typeof content === 'string') return content;
      writeFileSync(join(directory, name), content);
      return join(directory, name);
    };
    const names = ['serial', 'console', ...(config.ports ?? [])];
    const listeners = names.map((name) => listen(join(directory, `${name}.sock`)));
    await Promise.all(listeners.map(({ ready }) => ready));
    const chardev = (name: string) => ['-chardev', `socket,id=${name},path=${join(directory, `${name}.sock`)}`];
    const args = [
      '-M',
      'virt',
      '-cpu',
      'rv64',
      '-m',
      `${config.memoryBytes >> 20}M`,
      '-display',
      'none',
      '-monitor',
      'none',
      '-no-reboot',
    ];
    args.push('-kernel', file('kernel', config.kernel), '-append', config.commandLine);
    if (config.initrd !== undefined) args.push('-initrd', file('initrd', config.initrd));
    args.push(...names.flatMap(chardev), '-serial', 'chardev:serial');
    args.push(
      '-device',
      `virtio-serial-pci,max_ports=${names.length + 1}`,
      '-device',
      'virtconsole,chardev=console,nr=0',
    );
    (config.ports ?? []).forEach((name, index) => {
      args.push('-device', `virtserialport,name=${name},chardev=${name},nr=${index + 1}`);
    });
    args.push('-device', 'virtio-rng-pci');
    (config.disks ?? []).forEach((disk, index) => {
      const writes =
        disk.writes === 'discard' ? ',snapshot=on' : disk.writes === 'direct-unsafe' ? ',cache=unsafe' : '';
      args.push(
        '-drive',
        `file=${disk.path},format=raw,if=none,id=d${index}${disk.readOnly === true ? ',readonly=on' : ''}${writes}`,
      );
      args.push('-device', `virtio-blk-pci,drive=d${index}`);
    });
    const child: ChildProcess = spawn('qemu-system-riscv64', args, { stdio: ['ignore', 'inherit', 'inherit'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    const ended = new Promise<MachineEnd>((resolve) => {
      child.on('error', (error) => resolve({ kind: 'failed', reason: error.message }));
      child.on('exit', (code, signal) => {
        clearTimeout(timer);
        for (const { server } of listeners) server.close();
        rmSync(directory, { recursive: true, force: true });
        if (signal !== null) resolve({ kind: 'killed' });
        else resolve(code === 0 ? { kind: 'power-off' } : { kind: 'failed', reason: `qemu exits ${code}` });
      });
    });
    const ports = listeners.map(({ port }) => port);
    return {
      id: '00000000',
      onStop: undefined,
      serial: ports[0]!,
      console: ports[1]!,
      ports: new Map((config.ports ?? []).map((name, index) => [name, ports[index + 2]!])),
      ended,
      resize: () => undefined,
      kill: () => void child.kill('SIGKILL'),
    };
  };
}

function listen(path: string) {
  let connected: (socket: Socket) => void = () => undefined;
  const socket = new Promise<Socket>((resolve) => {
    connected = resolve;
  });
  const port: Port = {
    onData: undefined,
    onClose: undefined,
    async write(bytes) {
      const open = await socket;
      if (!open.write(bytes)) await new Promise((resolve) => open.once('drain', resolve));
    },
    end() {
      void socket.then((open) => open.end());
    },
    reopen: () => undefined,
  };
  const server = createServer({ allowHalfOpen: true }, (open) => {
    open.on('data', (bytes) => port.onData?.(bytes));
    open.on('close', () => port.onClose?.());
    open.on('error', () => undefined);
    connected(open);
  });
  const ready = new Promise<void>((resolve) => {
    server.listen(path, () => resolve());
  });
  return { server, port, ready };
}
