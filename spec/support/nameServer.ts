import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { getServers, setServers } from 'node:dns';
import { once } from 'node:events';
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, type Question } from 'dns-packet';

const NO_SUCH_NAME = 3;

/** A name server whose answers the tests decide on. */
export class NameServer {
  /** What it knows. */
  readonly records: Answer[] = [];
  /** What it was asked, as `SRV _mongodb._tcp.host`. */
  readonly questions: string[] = [];
  /** Whether it answers to questions of a type. */
  silentOn: 'all' | 'SRV' | 'TXT' | null = null;
  /** In place of every answer: 2 is that it failed, 5 that it refuses. */
  errorCode = 0;
  readonly #socket: Socket = createSocket('udp4', (message, from) => this.#answer(message, from));

  /** Start to listen, and become the name server of this process. */
  async open(): Promise<void> {
    this.#socket.bind(0, '127.0.0.1');
    await once(this.#socket, 'listening');
    setServers([`127.0.0.1:${this.#socket.address().port}`]);
  }

  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  /** Say on which ports which hosts have the service, in place of what was said of it. */
  serve(service: string, ...addresses: string[]): void {
    this.#forget('SRV', service);
    for (const address of addresses) {
      const [target = '', port] = address.split(':');
      this.records.push({ type: 'SRV', name: service, data: { target, port: Number(port), priority: 0, weight: 0 } });
    }
  }

  /** Give a name TXT records, each of one string or of several, in place of those that it had. */
  describe(name: string, ...texts: (string | string[])[]): void {
    this.#forget('TXT', name);
    for (const text of texts) this.records.push({ type: 'TXT', name, data: text });
  }

  #forget(type: string, name: string): void {
    const others = this.records.filter((record) => record.type !== type || record.name !== name);
    this.records.splice(0, Infinity, ...others);
  }

  #answer(message: Buffer, { port, address }: RemoteInfo): void {
    const { id, questions = [] } = decode(message);
    const [question] = questions as [Question];
    this.questions.push(`${question.type} ${question.name}`);
    if (this.silentOn === 'all' || this.silentOn === question.type) return;
    const named = this.records.filter(({ name }) => name.toLowerCase() === question.name.toLowerCase());
    const answers = named.filter(({ type }) => type === question.type);
    const code = this.errorCode || (named.length === 0 ? NO_SUCH_NAME : 0);
    const reply = encode({
      type: 'response',
      id: id as number,
      flags: AUTHORITATIVE_ANSWER | code,
      questions,
      answers: code === 0 ? answers : [],
    });
    this.#socket.send(reply, port, address);
  }
}

/**
 * A name server for each test of a `describe`, in place of the system's: `const names = nameServer()` in its body,
 * `names().serve(...)` in its tests.
 */
export function nameServer(): () => NameServer {
  let server: NameServer | null = null;
  let before: string[] = [];
  beforeEach(async () => {
    before = getServers();
    server = new NameServer();
    await server.open();
  });
  afterEach(async () => {
    setServers(before);
    await server?.close();
    server = null;
  });
  return () => {
    if (server === null) throw new Error('no test runs yet; ask for the name server in a test or a hook');
    return server;
  };
}
