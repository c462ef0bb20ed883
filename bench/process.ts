import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import type { Order, Report } from './client';
import type { ContestantName } from './contestant';

/** The parent's end of a client process. */
export class Client {
  readonly name: ContestantName;
  readonly #process: ChildProcess;

  private constructor(name: ContestantName, uri: string) {
    this.name = name;
    this.#process = fork(path.join(__dirname, 'client.js'), [name, uri]);
  }

  /** Resolves when the contestant is connected. */
  static async start(name: ContestantName, uri: string): Promise<Client> {
    const client = new Client(name, uri);
    await client.#answer();
    return client;
  }

  measure(order: Order): Promise<Report> {
    const answer = this.#answer();
    this.#process.send(order);
    return answer;
  }

  stop(): void {
    if (this.#process.connected) this.#process.disconnect();
  }

  #answer(): Promise<Report> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null) => reject(new Error(`${this.name}: its process ended with code ${code}`));
      this.#process.once('exit', ended);
      this.#process.once('message', (report) => {
        this.#process.off('exit', ended);
        resolve(report as Report);
      });
    });
  }
}
