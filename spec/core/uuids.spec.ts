import { Binary, type Document, serialize, UUID } from 'bson';
import { expect } from 'chai';
import type { UuidRepresentation } from '../../lib/core/clientOptions';
import { Engine } from '../../lib/core/engine';
import { InvalidDocument, ValueError } from '../../lib/core/errors';
import { decodeReply } from '../../lib/core/message';
import { readOptions } from '../../lib/core/options';
import { sendable, uuidReading } from '../../lib/core/uuids';
import { DATABASE, uniqueName } from '../support/clients';
import { server } from '../support/hooks';
import { opMsg } from '../support/message';
import { asyncioLike, motorLike } from '../support/policies';
import { runRaw } from '../support/rawClient';

const ID = new UUID('00112233-4455-6677-8899-aabbccddeeff');
const three = new Binary(Buffer.from(ID.buffer), 3);
const four = new Binary(Buffer.from(ID.buffer), 4);

/** What a reply with both subtypes is decoded to: `uuid`, or the subtype of a Binary. */
function readBy(representation: UuidRepresentation, reads: 'both subtypes' | 'the one it writes'): unknown[] {
  const bytes = serialize({ ok: 1, three, deep: [{ four }] });
  const { body } = decodeReply(Buffer.from(opMsg(1, 1, Buffer.from(bytes))), {}, uuidReading(representation, reads));
  return [body.three, body.deep[0].four].map((value: Binary) => (value instanceof UUID ? 'uuid' : value.sub_type));
}

describe('UUIDs in the core', () => {
  it('are read of both subtypes, or of the one that is written', () => {
    expect(readBy('pythonLegacy', 'both subtypes')).to.deep.equal(['uuid', 'uuid']);
    expect(readBy('standard', 'both subtypes')).to.deep.equal(['uuid', 'uuid']);
    expect(readBy('javaLegacy', 'both subtypes')).to.deep.equal(['uuid', 'uuid']);
    expect(readBy('unspecified', 'the one it writes')).to.deep.equal([3, 4]);
    expect(readBy('standard', 'the one it writes')).to.deep.equal([3, 'uuid']);
    expect(readBy('pythonLegacy', 'the one it writes')).to.deep.equal(['uuid', 4]);
    expect(readBy('javaLegacy', 'the one it writes')).to.deep.equal(['uuid', 4]);
    expect(readBy('csharpLegacy', 'the one it writes')).to.deep.equal(['uuid', 4]);
  });

  it('cannot be written as long as nobody said how', () => {
    expect(() => sendable({ a: [{ id: ID }] }, 'unspecified')).to.throw(ValueError, 'uuidRepresentation');
    const without = { a: [{ id: four }] };
    expect(sendable(without, 'unspecified')).to.equal(without);
  });

  it('leave a document without any as it is, and do not change one that has some', () => {
    const without = { a: 1, b: new Date(), c: [null, new Map([['x', 1]])] };
    expect(sendable(without, 'pythonLegacy')).to.equal(without);
    const id = { id: ID };
    expect(sendable(id, 'standard')).to.equal(id);
    expect((sendable(id, 'pythonLegacy').id as Binary).sub_type).to.equal(3);
    expect(id.id).to.equal(ID);
  });

  it('are found in what an object says of itself', () => {
    class Thing {
      toBSON(): Document {
        return { inner: { id: ID } };
      }
    }
    const sent = sendable({ thing: new Thing() }, 'javaLegacy') as Document;
    expect(sent.thing.inner.id).to.deep.include({ sub_type: 3 });
  });

  it('do not keep what cannot be encoded from being found', () => {
    expect(() => sendable({ id: ID, f: () => 1 }, 'pythonLegacy')).to.throw(InvalidDocument, "key 'f'");
  });

  it('keep the order of keys in ordered documents', () => {
    const sent = sendable(
      new Map<string, unknown>([
        ['2', ID],
        ['1', 1],
      ]),
      'pythonLegacy',
    );
    expect([...(sent as Map<string, unknown>).keys()]).to.deep.equal(['2', '1']);
  });

  it('are read by the setting of the client, unless the operation has one of its own', async () => {
    const collection = uniqueName();
    await runRaw(server(), DATABASE, { insert: collection, documents: [{ _id: 1, three, four }] });
    const find = { find: collection, $db: DATABASE };
    try {
      for (const [policy, representation, expected] of [
        [motorLike, 'pythonLegacy', ['uuid', 'uuid']],
        [asyncioLike, 'unspecified', [3, 4]],
        [asyncioLike, 'standard', [3, 'uuid']],
      ] as const) {
        const options = readOptions({ caller: 'Engine', host: server().uri, keywords: {} }, policy);
        const reading = uuidReading(representation, policy.readsUuids);
        const engine = new Engine({ ...options, connection: { ...options.connection, uuids: reading } }, policy);
        try {
          const [found] = await engine.run(find, (reply) => reply.cursor.firstBatch as Document[]);
          const kind = (value: Binary) => (value instanceof UUID ? 'uuid' : value.sub_type);
          expect([kind(found?.three), kind(found?.four)]).to.deep.equal(expected);
          const [asIs] = await engine.run(find, (reply) => reply.cursor.firstBatch as Document[], { uuids: null });
          expect([kind(asIs?.three), kind(asIs?.four)]).to.deep.equal([3, 'uuid']);
        } finally {
          engine.close();
        }
      }
    } finally {
      await runRaw(server(), DATABASE, { drop: collection });
    }
  });
});
