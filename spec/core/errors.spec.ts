import { inspect } from 'node:util';
import { expect } from 'chai';
import type { MotorClient, MotorCollection } from '../../lib/index';
import { DATABASE, eachForm, freshCollection, newClient, newProxy } from '../support/clients';
import { closeFirst, corruptions, corruptReply, cutReply, delayReply, hang, loseReply } from '../support/faults';
import type { Action, FaultProxy } from '../support/proxy';
import { rejection } from '../support/rejection';

const SECRET = 'hush-hush';

/** What is said by an error and all its causes, however it is printed. */
function everything(error: Error): string {
  const causes: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) causes.push(at.message, String(at), at.stack ?? '');
  const printed = [error.toString(), inspect(error), inspect(error, { depth: null }), JSON.stringify(error)];
  return [...causes, ...printed].join('\n');
}

describe('errors', () => {
  const fresh = freshCollection();
  let proxy: FaultProxy;
  let client: MotorClient;
  let things: MotorCollection;
  beforeEach(async () => {
    await fresh().insert({ _id: SECRET, secret: SECRET });
    proxy = await newProxy();
    client = newClient(proxy, { max_pool_size: 1, waitQueueTimeoutMS: 300 });
    things = client.get_database(DATABASE).get_collection(fresh().name);
    await client.open();
  });

  const says = (error: Error, ...words: string[]) => {
    for (const word of words) expect(error.message).to.include(word);
    expect(everything(error)).to.not.include(SECRET);
  };

  const faults: [string, Action][] = [
    ['a lost reply', loseReply()],
    ['a closed connection', closeFirst()],
    ['a reset', closeFirst(true)],
    ['a cut reply', cutReply(40)],
    ...corruptions.map((how): [string, Action] => [`a spoilt reply (${how})`, corruptReply(how)]),
  ];

  eachForm((call) => {
    for (const [what, action] of faults) {
      it(`of ${what} tell where it happened, and nothing of the documents`, async () => {
        proxy.on('find', action);
        says(
          await rejection(call(things, 'find_one', { secret: SECRET })),
          proxy.address,
          `find on ${things.full_name}`,
        );
      });
    }

    it('of the server tell where it happened, and nothing of the documents', async () => {
      const where = `on ${things.full_name} at ${proxy.address}, code `;
      says(await rejection(call(things, 'insert', { _id: SECRET })), `insert ${where}11000`);
      says(await rejection(call(things, 'find_one', { $or: [{ secret: SECRET }], $nonsense: 1 })), `find ${where}`);
      says(
        await rejection(call(things, 'update', { secret: SECRET }, { $nonsense: { a: SECRET } })),
        `update ${where}`,
      );
    });

    it('of the server tell what it says, but for what it quotes of documents', async () => {
      const stored = { n: SECRET, list: [SECRET] };
      await things.update({ _id: SECRET }, { $set: stored });
      const updates: [object, string][] = [
        [{ $inc: { n: 1 } }, 'Cannot apply $inc'],
        [{ $inc: { m: SECRET } }, 'Cannot increment'],
        [{ $push: { n: 1 } }, "The field 'n' must be an array"],
        [{ $bit: { n: { and: 1 } } }, 'Cannot apply $bit'],
        [{ $set: { 'list.x': 1 } }, "Cannot create field 'x' in element {…}"],
      ];
      for (const [update, words] of updates) {
        says(await rejection(call(things, 'update', { _id: SECRET }, update)), words);
        says(await rejection(call(things, 'find_and_modify', { _id: SECRET }, update)), words);
      }
      says(await rejection(call(things, 'update', { _id: SECRET }, { _id: `${SECRET} 2` })), 'immutable');
      says(await rejection(call(things, 'find_one', { list: { $size: SECRET } })), 'Failed to parse $size');
    });

    it('of documents that cannot be sent tell the command, and nothing of the documents', async () => {
      says(await rejection(call(things, 'insert', { secret: SECRET, 'a\0b': 1 })), things.full_name);
      const circular: Record<string, unknown> = { secret: SECRET };
      circular.self = circular;
      says(await rejection(call(things, 'insert', circular)), 'circular');
      says(await rejection(call(things, 'find_one', { self: circular })), 'circular');
      says(await rejection(call(things, 'find_one', { [SECRET]: SECRET, 'a\0b': 1 })), `find on ${things.full_name}`);
      says(await rejection(call(things, 'insert', { a: new RegExp(`${SECRET}\0`) })), "key 'a'", 'NUL');
      says(await rejection(call(things, 'find_one', { a: new RegExp(`${SECRET}\0`) })), "key 'a'", 'NUL');
      const large = { secret: SECRET, filler: Buffer.alloc(17_000_000) };
      says(await rejection(call(things, 'insert', large)), things.full_name, '16777216');
      says(await rejection(call(things, 'update', { secret: SECRET }, large)), things.full_name, '16777216');
      expect(proxy.names).to.deep.equal([]);
    });

    it('of a full pool tell what is full', async () => {
      proxy.on('find', delayReply(600));
      const found = things.find_one({ secret: SECRET });
      says(await rejection(call(things, 'find_one', { secret: SECRET })), proxy.address, 'waitQueueTimeoutMS');
      await found;
    });

    it('of a closed client tell what was under way', async () => {
      proxy.on('find', hang());
      const error = rejection(call(things, 'find_one', { secret: SECRET }));
      setTimeout(() => client.close(), 20);
      says(await error, proxy.address, `find on ${things.full_name}`);
    });

    it('of a client with a password do not tell it', async () => {
      const [, host] = proxy.uri.split('//');
      const named = newClient(`mongodb://me:${SECRET}@${host}/shop`);
      const error = await rejection(call(named.get_database('shop').get_collection('things'), 'find_one'));
      expect(everything(error)).to.not.include(SECRET);
      expect(inspect(named, { depth: null }) + String(named)).to.not.include(SECRET);
    });
  });

  it('of a bad connection string do not tell its password', () => {
    for (const uri of [
      `mongodb://me:${SECRET}@host:port/x`,
      `mongodb://me:${SECRET}@host/?nonsense=1`,
      `mongodb://me:${SECRET}@/x`,
      `mongodb://me:${SECRET}/@host`,
      `mongo://me:${SECRET}@host`,
      `mongodb://me:${SECRET}@host/?w=`,
    ]) {
      try {
        newClient(uri);
      } catch (error) {
        expect(everything(error as Error), uri).to.not.include(SECRET);
        continue;
      }
      expect.fail(`${uri} was taken`);
    }
  });
});
