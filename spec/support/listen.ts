import { type AddressInfo, createServer, type Socket } from 'node:net';

/** A listener on a free port of 127.0.0.1 that does what it is told with each socket; default: nothing, it is silent. */
export async function listen(
  onSocket: (socket: Socket) => void = () => undefined,
): Promise<{ readonly uri: string; readonly port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    onSocket(socket);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  return {
    uri: `mongodb://127.0.0.1:${port}`,
    port,
    close: () => {
      listener.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
