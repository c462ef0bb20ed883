import { expect } from 'chai';
import {
  CodecOptions,
  Collation,
  ConfigurationError,
  DriverInfo,
  IndexModel,
  Nearest,
  Primary,
  ReadConcern,
  ReadPreference,
  Secondary,
  UuidRepresentation,
  ValueError,
  WriteConcern,
} from '../../lib/asyncio/index';

type Wrong = never;

describe('The values of the asyncio surface', () => {
  it('WriteConcern', () => {
    const concern = new WriteConcern('majority', { wtimeout: 100 });
    expect(concern.document).to.deep.equal({ w: 'majority', wtimeout: 100 });
    expect(concern.equals(new WriteConcern({ wtimeout: 100, w: 'majority' }))).to.equal(true);
    expect([concern.acknowledged, concern.is_server_default]).to.deep.equal([true, false]);
    expect([new WriteConcern(0).acknowledged, new WriteConcern().is_server_default]).to.deep.equal([false, true]);
    expect(() => new WriteConcern(-1)).to.throw(ValueError);
    expect(() => new WriteConcern(1.5)).to.throw(TypeError);
    expect(() => new WriteConcern(true as Wrong)).to.throw(TypeError);
    expect(() => new WriteConcern(0, { j: true })).to.throw(ConfigurationError);
    expect(() => new WriteConcern({ j: true, fsync: true })).to.throw(ConfigurationError);
    expect(() => new WriteConcern({ wtimeout: '5' as Wrong })).to.throw(TypeError);
    expect(() => new WriteConcern({ wtimeout: -5 })).to.throw(ValueError);
    expect(() => new WriteConcern({ wait: 5 } as Wrong)).to.throw(TypeError, 'wait');
  });

  it('ReadConcern', () => {
    expect(new ReadConcern('majority').document).to.deep.equal({ level: 'majority' });
    expect(new ReadConcern().document).to.deep.equal({});
    expect(new ReadConcern('local').equals(new ReadConcern('majority'))).to.equal(false);
    expect(() => new ReadConcern(5 as Wrong)).to.throw(TypeError);
  });

  it('read preferences', () => {
    const secondary = new Secondary([{ dc: 'ny' }, {}], { max_staleness: 120 });
    expect(secondary).to.include({ mode: 2, name: 'secondary', max_staleness: 120 });
    expect(secondary.document).to.deep.equal({
      mode: 'secondary',
      tags: [{ dc: 'ny' }, {}],
      maxStalenessSeconds: 120,
    });
    expect(new Primary().document).to.deep.equal({ mode: 'primary' });
    // biome-ignore lint/suspicious/noDoubleEquals: that is what is promised
    expect((new Nearest() as unknown) == ReadPreference.NEAREST).to.equal(true);
    expect(new Nearest().equals(new Nearest(null))).to.equal(true);
    expect(() => new Secondary('ny' as Wrong)).to.throw(TypeError);
    expect(() => new Secondary([])).to.throw(ValueError);
    expect(() => new Secondary([5] as Wrong)).to.throw(TypeError);
    expect(() => new Secondary(null, { max_staleness: 0 })).to.throw(ValueError);
    expect(() => new Secondary(null, { max_staleness: 1.5 })).to.throw(TypeError);
  });

  it('Collation, DriverInfo, IndexModel', () => {
    const collation = new Collation('de', { strength: 2, numericOrdering: true });
    expect(collation.document).to.deep.equal({ locale: 'de', strength: 2, numericOrdering: true });
    expect(() => new Collation(5 as Wrong)).to.throw(TypeError);
    expect(() => new Collation('de', { strength: 'x' as Wrong })).to.throw(TypeError, 'strength');
    expect(new DriverInfo('a', '1')).to.include({ name: 'a', version: '1', platform: null });
    expect(() => new DriverInfo(5 as Wrong)).to.throw(TypeError);
    const { key, ...options } = new IndexModel(['a', ['b', -1]], { unique: true, collation }).document;
    expect([...key]).to.deep.equal([
      ['a', 1],
      ['b', -1],
    ]);
    expect(options).to.deep.equal({ name: 'a_1_b_-1', unique: true, collation: collation.document });
    expect(() => new IndexModel({})).to.throw(ValueError);
  });

  it('CodecOptions', () => {
    const options = new CodecOptions({ uuid_representation: UuidRepresentation.STANDARD });
    expect(options).to.include({ uuid_representation: 4, tz_aware: false, document_class: Object });
    expect(options.with_options({ document_class: Map }).document_class).to.equal(Map);
    expect(options.with_options({}).equals(options)).to.equal(true);
    expect(() => new CodecOptions({ uuid_representation: 9 as Wrong })).to.throw(TypeError);
    expect(() => new CodecOptions({ type_registry: {} })).to.throw(ConfigurationError);
  });
});
