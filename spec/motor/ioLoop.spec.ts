import { expect } from 'chai';
import { IOLoop } from '../../compat/tornado';
import { MotorClient } from '../../lib';

describe('get_io_loop', () => {
  it('gives the loop of the client to all that is made from it', () => {
    const io_loop = new IOLoop();
    const client = new MotorClient({ io_loop });
    const collection = client.get_database('shop').get_collection('orders');
    for (const object of [client, collection.database, collection, collection.find()]) {
      expect(object.get_io_loop()).to.equal(io_loop);
    }
  });

  it('gives the current loop where the client was given none', () => {
    const client = new MotorClient();
    expect(client.get_io_loop()).to.equal(IOLoop.current());
    const other = new IOLoop();
    other.make_current();
    try {
      expect(client.get_database('shop').get_io_loop()).to.equal(other);
    } finally {
      IOLoop.clear_current();
    }
  });

  it('refuses a loop that is none', () => {
    expect(() => new MotorClient({ io_loop: {} as never })).to.throw(TypeError, 'io_loop must be a loop');
  });
});
