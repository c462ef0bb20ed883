import { inspect } from 'node:util';
import { expect } from 'chai';
import { ConfigurationError, ValueError } from '../../lib/core/errors';
import { DEFAULT_WRITE_CONCERN, liveWriteConcern, WriteConcern } from '../../lib/core/writeConcern';

describe('WriteConcern', () => {
  it('sends nothing when it is empty or asks for one server only', () => {
    expect(DEFAULT_WRITE_CONCERN.toSend).to.equal(null);
    expect(new WriteConcern({ w: 1 }).toSend).to.equal(null);
    expect(new WriteConcern({ w: 1, j: true }).toSend).to.deep.equal({ w: 1, j: true });
    expect(new WriteConcern({ wtimeout: 5 }).toSend).to.deep.equal({ wtimeout: 5 });
    expect(new WriteConcern({ w: 'majority' }).toSend).to.deep.equal({ w: 'majority' });
  });

  it('is unacknowledged for w: 0 alone, and then sends nothing else', () => {
    const concern = new WriteConcern({ w: 0, j: true });
    expect(concern.acknowledged).to.equal(false);
    expect(concern.toSend).to.deep.equal({ w: 0 });
    expect(new WriteConcern({ j: false }).acknowledged).to.equal(true);
  });

  it('reads aliases and digits, and stores them under the short names', () => {
    expect(WriteConcern.from({ journal: true, wtimeoutMS: '100', w: '2' }).document).to.deep.equal({
      j: true,
      wtimeout: 100,
      w: 2,
    });
    expect(WriteConcern.from(new Map([['w', 'dc']])).document).to.deep.equal({ w: 'dc' });
  });

  it('refuses what is no write concern', () => {
    for (const value of [null, undefined, 1, 'majority', [], [{ w: 1 }], () => ({}), new Date(), { foo: 1 }]) {
      expect(() => WriteConcern.from(value)).to.throw(ConfigurationError);
    }
  });

  it('refuses bad values, naming the key', () => {
    for (const fields of [
      { w: null },
      { w: true },
      { w: 1.5 },
      { w: Number.NaN },
      { wtimeout: {} },
      { j: 1 },
      { fsync: null },
    ]) {
      expect(() => WriteConcern.from(fields), JSON.stringify(fields)).to.throw(TypeError, Object.keys(fields)[0]);
    }
    for (const fields of [
      { w: -1 },
      { w: '-1' },
      { w: '' },
      { w: 2 ** 31 },
      { wtimeout: -1 },
      { wtimeout: 'x' },
      { j: 'yes' },
    ]) {
      expect(() => WriteConcern.from(fields), JSON.stringify(fields)).to.throw(
        ConfigurationError,
        Object.keys(fields)[0],
      );
      expect(() => WriteConcern.from(fields, 'ValueError and TypeError')).to.throw(ValueError);
    }
  });
});

describe('liveWriteConcern', () => {
  it('changes the concern of its holder by key', () => {
    const holder = { writeConcern: new WriteConcern({ w: 1 }) };
    const live = liveWriteConcern(holder);
    live.w = 2;
    live.j = true;
    expect(holder.writeConcern.toSend).to.deep.equal({ w: 2, j: true });
    delete live.j;
    delete live.fsync;
    expect(holder.writeConcern.document).to.deep.equal({ w: 2 });
  });

  it('reads like a plain object', () => {
    const holder = { writeConcern: new WriteConcern({ w: 'majority', wtimeout: 10 }) };
    const live = liveWriteConcern(holder);
    expect({ ...live }).to.deep.equal({ w: 'majority', wtimeout: 10 });
    expect(live).to.deep.equal({ w: 'majority', wtimeout: 10 });
    expect(Object.keys(live)).to.deep.equal(['w', 'wtimeout']);
    expect(JSON.stringify(live)).to.equal('{"w":"majority","wtimeout":10}');
    expect(inspect(live)).to.equal("{ w: 'majority', wtimeout: 10 }");
    expect('j' in live).to.equal(false);
    expect(live.j).to.equal(undefined);
  });

  it('knows the aliases', () => {
    const holder = { writeConcern: DEFAULT_WRITE_CONCERN };
    const live = liveWriteConcern(holder) as Record<string, unknown>;
    live.journal = true;
    live.wtimeoutMS = 7;
    expect({ ...live }).to.deep.equal({ j: true, wtimeout: 7 });
    expect(live.journal).to.equal(true);
    expect('wtimeoutMS' in live).to.equal(true);
    delete live.journal;
    expect({ ...live }).to.deep.equal({ wtimeout: 7 });
  });

  it('is copied when it is assigned', () => {
    const holder = { writeConcern: DEFAULT_WRITE_CONCERN };
    const other = { writeConcern: WriteConcern.from(liveWriteConcern(holder)) };
    liveWriteConcern(holder).w = 3;
    expect(other.writeConcern.document).to.deep.equal({});
  });

  it('refuses unknown keys and bad values, and stays as it was', () => {
    const holder = { writeConcern: new WriteConcern({ w: 1 }) };
    const live = liveWriteConcern(holder) as Record<string, unknown>;
    expect(() => Object.assign(live, { foo: 1 })).to.throw(ConfigurationError, 'foo');
    expect(() => Object.assign(live, { j: 1 })).to.throw(TypeError, 'j must be true or false');
    expect(() => Object.assign(live, { w: -2 })).to.throw(ConfigurationError, 'w must be');
    expect(() => Object.defineProperty(live, 'w', { value: -2 })).to.throw(ConfigurationError);
    expect({ ...live }).to.deep.equal({ w: 1 });
  });
});
