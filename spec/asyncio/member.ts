import { type Document, Int32, Long } from 'bson';
import { newProxy } from '../support/clients';
import { rewriteReply } from '../support/faults';
import { server } from '../support/hooks';
import { MORE_TO_COME, replyOf } from '../support/message';
import {
  type Action,
  any,
  type Exchange,
  type FaultProxy,
  type Match,
  type ProxyOptions,
  type SeenCommand,
} from '../support/proxy';
import { RawClient } from '../support/rawClient';

const SESSION_FIELDS = ['lsid', 'txnNumber', '$clusterTime'];

/**
 * What the embedded server lacks: to its clients this proxy is the primary of a replica set of one, which has sessions,
 * and does a numbered write once however often it comes.
 */
export interface Primary {
  readonly proxy: FaultProxy;
  readonly uri: string;
  /** The commands that arrived, without handshakes. */
  readonly commands: SeenCommand[];
  /** As `FaultProxy.on`; what an action forwards is played as well. */
  on(match: Match, action: Action, times?: number): { readonly hits: number };
  /** What it says of itself from now on. */
  change(hello: (usual: Document) => Document): void;
}

/** A primary for each test of a `describe`, and its server's sessions. @param hello what it says otherwise of itself */
export function playedPrimary(): (hello?: Document, options?: ProxyOptions) => Promise<Primary> {
  const raws: RawClient[] = [];
  afterEach(async () => {
    for (const raw of raws.splice(0)) await raw.close();
  });

  return async (hello = {}, options = {}) => {
    const proxy = await newProxy(options);
    const raw = await RawClient.connect(server());
    raws.push(raw);
    const rules: { match: Match; action: Action; times: number; hits: number }[] = [];
    const done = new Map<string, Document>();
    let changed = (usual: Document): Document => usual;
    let queue: Promise<unknown> = Promise.resolve();

    const send = async (command: SeenCommand): Promise<Document | null> => {
      const sent: Document = { ...command.document };
      for (const name of [...SESSION_FIELDS, '$db']) delete sent[name];
      if (sent.getMore !== undefined) sent.getMore = Long.fromValue(sent.getMore);
      if (sent.killCursors !== undefined) sent.cursors = sent.cursors.map((id: number | Long) => Long.fromValue(id));
      raw.send(command.db, sent, command.moreToCome ? MORE_TO_COME : 0);
      return command.moreToCome ? null : replyOf(await raw.read(), true);
    };

    const play = async (command: SeenCommand): Promise<Document | null> => {
      if (command.name === 'endSessions') return command.moreToCome ? null : { ok: 1 };
      const { lsid, txnNumber } = command.document;
      const number = txnNumber === undefined ? null : `${lsid.id.toHexString()} ${txnNumber}`;
      const known = number === null ? undefined : done.get(number);
      if (known !== undefined) return known;
      // The connection behind it does one thing at a time.
      const turn = queue.then(() => send(command));
      queue = turn.catch(() => null);
      const reply = await turn;
      if (number !== null && reply !== null) done.set(number, reply);
      return reply;
    };

    proxy.on(
      'hello',
      rewriteReply((reply) =>
        changed({
          ...reply,
          setName: 'played',
          hosts: [proxy.address],
          me: proxy.address,
          primary: proxy.address,
          logicalSessionTimeoutMinutes: new Int32(30),
          ...hello,
        }),
      ),
      Number.POSITIVE_INFINITY,
    );
    proxy.on(
      any,
      (exchange) => {
        const { command } = exchange;
        const played: Exchange = {
          ...exchange,
          forward: async () => {
            const reply = await play(command);
            return reply === null ? null : exchange.replyWith(reply);
          },
        };
        const rule = rules.find(({ match, times }) => {
          return times > 0 && (typeof match === 'string' ? match === command.name : match(command));
        });
        if (rule === undefined) return pass(played);
        rule.times--;
        rule.hits++;
        return rule.action(played);
      },
      Number.POSITIVE_INFINITY,
    );

    return {
      proxy,
      uri: proxy.uri,
      get commands() {
        return proxy.commands.filter(({ legacy, name }) => !legacy && name !== 'hello' && name !== 'ismaster');
      },
      on(match, action, times = 1) {
        const rule = { match, action, times, hits: 0 };
        rules.push(rule);
        return rule;
      },
      change(change) {
        changed = change;
      },
    };
  };
}

const pass: Action = async (exchange) => {
  const reply = await exchange.forward();
  if (reply !== null) await exchange.send(reply);
};

/** The server session that a command belongs to; null: none. */
export function lsidOf({ document }: SeenCommand): string | null {
  return document.lsid === undefined ? null : document.lsid.id.toHexString();
}
