import { inspect } from 'node:util';
import { expect } from 'chai';
import { type SinonFakeTimers, type SinonSpy, spy, useFakeTimers } from 'sinon';
import { Address } from '../../lib/core/address';
import type { ClientOptions, SrvOptions } from '../../lib/core/clientOptions';
import { AutoReconnect, ConfigurationError, InvalidURI, ValueError } from '../../lib/core/errors';
import { readOptions } from '../../lib/core/options';
import { Seedlist, SrvPoller } from '../../lib/core/srv';
import { eventually } from '../support/eventually';
import { nameServer } from '../support/nameServer';
import { asyncioLike, motorLike } from '../support/policies';
import { rejection } from '../support/rejection';
import { warningsOf } from '../support/warnings';

const HOST = 'cluster.example.com';
const SERVICE = `_mongodb._tcp.${HOST}`;
const URI = `mongodb+srv://${HOST}/`;

type Given = ClientOptions & { readonly srv: SrvOptions };
const read = (host: unknown, keywords: object = {}) =>
  readOptions({ caller: 'Client', host, keywords }, asyncioLike) as Given;

describe('options of mongodb+srv', () => {
  it('are complete but for the seeds, with TLS', () => {
    const options = read('mongodb+srv://Eve:secret@Cluster.Example.com/shop?srvMaxHosts=2', {
      srvServiceName: 'other',
    });
    expect(options.srv).to.deep.equal({ host: HOST, serviceName: 'other', maxHosts: 2 });
    expect(options.seeds).to.deep.equal([]);
    expect(options.database).to.equal('shop');
    expect(options.connection.tls).to.include({ verify: true, verifyHost: true });
    expect(inspect(options, { depth: 9 })).to.not.include('secret');
    expect(read(URI).srv).to.include({ serviceName: 'mongodb', maxHosts: 0 });
    expect(read('a').srv).to.equal(null);
  });

  it('TLS is switched off by the string or by a keyword', () => {
    for (const name of ['tls', 'ssl']) {
      expect(read(`${URI}?${name}=false`).connection.tls).to.equal(null);
      expect(read(URI, { [name]: false }).connection.tls).to.equal(null);
    }
  });

  it('what is wrong shows at once, as far as no DNS is needed', () => {
    expect(() => read(`${URI}?directConnection=true`)).to.throw(ConfigurationError, 'directConnection');
    expect(() => read(`${URI}?srvMaxHosts=1`, { replicaSet: 'rs' })).to.throw(ConfigurationError, 'srvMaxHosts');
    expect(() => read(`${URI}?loadBalanced=true`)).to.throw(ConfigurationError, 'load balancers');
    expect(() => read('a', { loadBalanced: true })).to.throw(ConfigurationError, 'load balancers');
    expect(() => read(URI, { srvMaxHosts: -1 })).to.throw(ValueError);
    expect(() => read(`mongodb+srv://${HOST}:27017`)).to.throw(InvalidURI);
    expect(() => read([URI, 'mongodb://b'])).to.throw(ConfigurationError, 'more than one connection string');
    expect(read(`${URI}?directConnection=false&loadBalanced=false&srvMaxHosts=0&replicaSet=rs`).srv.host).to.equal(
      HOST,
    );
  });

  it('the first Motor did not know it', () => {
    expect(() => readOptions({ caller: 'Client', host: URI }, motorLike)).to.throw(InvalidURI, 'mongodb+srv://');
  });
});

describe('Seedlist', () => {
  const names = nameServer();
  const seedlist = (uri = URI, keywords?: object) => {
    const options = read(uri, keywords);
    return new Seedlist(options, options.srv);
  };
  const failure = async (list = seedlist()) => {
    const error = await rejection(list.find());
    expect(error).to.be.instanceOf(ConfigurationError).with.property('message').that.includes(`mongodb+srv://${HOST}`);
    return error;
  };

  it('finds the seeds, each once, in lower case', async () => {
    names().serve(SERVICE, 'a.example.com:1', 'B.Example.com:2', 'b.c.example.com:3', 'a.example.com:1');
    const { seeds, srv } = await seedlist().find();
    expect(seeds.map(String)).to.have.members(['a.example.com:1', 'b.example.com:2', 'b.c.example.com:3']);
    expect(srv?.host).to.equal(HOST);
    expect(names().questions).to.have.members([`SRV ${SERVICE}`, `TXT ${HOST}`]);
  });

  it('adds them to others that were named', async () => {
    names().serve(SERVICE, 'a.example.com:1');
    const options = read(['b:2', URI]);
    const { seeds } = await new Seedlist(options, options.srv).find();
    expect(seeds.map(String)).to.deep.equal(['b:2', 'a.example.com:1']);
  });

  it('asks for another service', async () => {
    names().serve(`_customname._tcp.${HOST}`, 'a.example.com:1');
    const { seeds } = await seedlist(`${URI}?srvServiceName=customname`).find();
    expect(seeds.map(String)).to.deep.equal(['a.example.com:1']);
  });

  it('takes as many as srvMaxHosts, each of them at some time', async () => {
    const all = ['a', 'b', 'c', 'd'].map((name) => `${name}.example.com:27017`);
    names().serve(SERVICE, ...all);
    const taken = new Set<string>();
    const list = seedlist(`${URI}?srvMaxHosts=2`);
    // That one of four is never among two, forty times, happens once in 10¹¹.
    for (let round = 0; round < 40; round++) {
      const { seeds } = await list.find();
      expect(new Set(seeds.map(String))).to.have.property('size', 2);
      for (const seed of seeds) taken.add(String(seed));
    }
    expect([...taken]).to.have.members(all);
    for (const most of [0, 4, 5]) {
      expect((await seedlist(`${URI}?srvMaxHosts=${most}`).find()).seeds).to.have.length(4);
    }
  });

  it('completes the options by the TXT record; string and keyword go before it', async () => {
    names().serve(SERVICE, 'a.example.com:1');
    names().describe(HOST, ['replica', 'Set=rs&authSource=users&loadBal', 'anced=false']);
    const found = await seedlist(`mongodb+srv://eve:secret@${HOST}/shop`).find();
    expect(found.topology.replicaSet).to.equal('rs');
    expect(found.credential).to.include({ username: 'eve', password: 'secret', source: 'users' });
    const string = await seedlist(`mongodb+srv://eve:secret@${HOST}/?AuthSource=mine`).find();
    expect(string.credential?.source).to.equal('mine');
    expect((await seedlist(URI, { replicaSet: 'mine' }).find()).topology.replicaSet).to.equal('mine');
  });

  it('warns of a bad value, as in a connection string', () => {
    expect(warningsOf(() => read(URI).srv.complete([], 'loadBalanced=maybe'))).to.have.length(1);
  });

  it('no such name, no such record', async () => {
    expect((await failure()).message).to.include(`there is no SRV record of ${SERVICE}`);
    names().describe(SERVICE, 'something else');
    expect((await failure()).message).to.include('no SRV record');
  });

  for (const [of, target] of [
    ['localhost', 'localhost.mongodb'],
    ['localhost', 'localhost'],
    ['localhost', 'test_1.cluster_1localhost'],
    ['mongo.local', 'test_1.evil.local'],
    ['mongo.local', 'mongo.local'],
    ['mongo.local', 'test_1.my_hostmongo.local'],
    ['blogs.mongodb.com', 'blogs.evil.com'],
    ['blogs.mongodb.com', 'cluster.testmongodb.com'],
    ['blogs.mongodb.com', 'mongodb.com'],
  ] as const) {
    it(`${of} cannot name ${target}`, async () => {
      names().serve(`_mongodb._tcp.${of}`, `${target}:27017`);
      const error = await rejection(seedlist(`mongodb+srv://${of}`).find());
      expect(error)
        .to.be.instanceOf(ConfigurationError)
        .with.property('message')
        .that.includes(`'${target}' is not in`);
    });
  }

  for (const [of, target] of [
    ['localhost', 'a.localhost'],
    ['mongo.local', 'a.mongo.local'],
    ['blogs.mongodb.com', 'blogs.mongodb.com'],
  ] as const) {
    it(`${of} can name ${target}`, async () => {
      names().serve(`_mongodb._tcp.${of}`, `${target}:27017`);
      const { seeds } = await seedlist(`mongodb+srv://${of}`).find();
      expect(seeds.map(String)).to.deep.equal([`${target}:27017`]);
    });
  }

  for (const [what, texts, message] of [
    ['two TXT records', ['replicaSet=a', 'authSource=b'], '2 TXT records'],
    ['an option that a TXT record cannot have', ['replicaSet=a&tls=false'], "not 'tls'"],
    ['an option without a value', ['replicaSet'], 'key=value'],
    ['an option with an empty value', ['authSource='], 'authSource'],
    ['a load balancer', ['loadBalanced=true'], 'load balancers'],
    ['bytes that are no text', ['replicaSet=%zz'], '%25'],
  ] as const) {
    it(`refuses ${what}`, async () => {
      names().serve(SERVICE, 'a.example.com:1');
      names().describe(HOST, ...texts);
      expect((await failure()).message).to.include(message);
    });
  }

  it('refuses a replica set beside srvMaxHosts', async () => {
    names().serve(SERVICE, 'a.example.com:1');
    names().describe(HOST, 'replicaSet=rs');
    expect((await failure(seedlist(`${URI}?srvMaxHosts=1`))).message).to.include('srvMaxHosts');
  });

  it('a malformed TXT record is an InvalidURI with its cause', async () => {
    names().serve(SERVICE, 'a.example.com:1');
    names().describe(HOST, 'replicaSet');
    expect(await failure())
      .to.be.instanceOf(InvalidURI)
      .with.property('cause')
      .that.is.instanceOf(InvalidURI);
  });

  it('a name server that fails or refuses', async () => {
    for (const [code, named] of [
      [2, 'ESERVFAIL'],
      [5, 'EREFUSED'],
    ] as const) {
      names().errorCode = code;
      const error = await failure();
      expect(error.message).to.include(named);
      expect(error.cause).to.have.property('code', named);
    }
  });

  it('a silent name server is waited for within connectTimeoutMS and serverSelectionTimeoutMS', async () => {
    names().serve(SERVICE, 'a.example.com:1');
    for (const silent of ['all', 'SRV', 'TXT'] as const) {
      names().silentOn = silent;
      for (const options of [{ connectTimeoutMS: 60 }, { serverSelectionTimeoutMS: 60, connectTimeoutMS: 0 }]) {
        const start = performance.now();
        const error = await failure(seedlist(URI, options));
        expect(error.message).to.match(/the (SRV|TXT) record of \S+ got no answer within 60 ms/);
        expect(performance.now() - start).to.be.within(55, 1000);
      }
    }
  });

  it('never shows a user or a password', async () => {
    const error = await failure(seedlist(`mongodb+srv://eve:secret@${HOST}`));
    expect(inspect(error, { depth: 9 })).to.not.match(/eve|secret/);
  });

  it('is asked once by those who come at the same time, and anew after a failure', async () => {
    const list = seedlist();
    const errors = await Promise.all([failure(list), failure(list)]);
    expect(errors[0]).to.equal(errors[1]);
    expect(names().questions.filter((question) => question.startsWith('SRV'))).to.have.length(1);
    names().serve(SERVICE, 'a.example.com:1');
    expect((await list.find()).seeds).to.have.length(1);
  });

  it('a search that is given up fails with the reason', async () => {
    names().silentOn = 'all';
    const list = seedlist();
    const search = rejection(list.find());
    await eventually(() => names().questions.length === 2, 'the question has come');
    const reason = new AutoReconnect('closed');
    list.close(reason);
    expect(await search).to.equal(reason);
    names().silentOn = null;
    names().serve(SERVICE, 'a.example.com:1');
    expect((await list.find()).seeds).to.have.length(1);
  });
});

describe('SrvPoller', () => {
  const names = nameServer();
  const PAUSE = 60_000;
  const HEARTBEAT = 10_000;
  const LIMIT = 20_000; // connectTimeoutMS
  let clock: SinonFakeTimers;
  let timers: SinonSpy<[() => void, number?]>;
  let poller: SrvPoller | null = null;
  const topology = {
    takesSeeds: true,
    addresses: [] as Address[],
    changes: 0,
    replaceSeeds(seeds: readonly Address[]) {
      this.changes++;
      this.addresses = [...seeds];
    },
  };

  const server = (port: number) => `localhost.example.com:${port}`;
  const looks = () => names().questions.filter((question) => question === `SRV ${SERVICE}`).length;
  const known = () => topology.addresses.map(({ port }) => port);
  const serve = (...ports: number[]) => names().serve(SERVICE, ...ports.map(server));

  beforeEach(() => {
    clock = useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    timers = spy(globalThis, 'setTimeout') as unknown as typeof timers;
    Object.assign(topology, {
      takesSeeds: true,
      changes: 0,
      addresses: [27017, 27018].map((p) => Address.parse(server(p))),
    });
  });
  afterEach(() => {
    poller?.close();
    timers.restore();
    clock.restore();
  });

  function poll(query = ''): void {
    const options = read(`${URI}?${query}`);
    poller = new SrvPoller(options, options.srv, topology);
  }

  /** The delay of the timer that was set last: of a question to the DNS, or the pause before the next one. */
  const lastDelay = () => timers.lastCall.args[1];

  /** Wait for the next look at the DNS, and for its end: that is no matter of the clock, for a socket answers. */
  async function look(after = PAUSE): Promise<void> {
    expect(lastDelay()).to.equal(after);
    const before = looks();
    clock.tick(after - 1);
    expect(lastDelay(), 'not yet').to.equal(after);
    clock.tick(1);
    expect(lastDelay()).to.equal(LIMIT);
    await soon(() => lastDelay() !== LIMIT);
    expect(looks()).to.equal(before + 1);
  }

  async function soon(isTrue: () => boolean): Promise<void> {
    const end = performance.now() + 5000;
    while (!isTrue()) {
      if (performance.now() > end) throw new Error('it did not happen');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  for (const [what, ports] of [
    ['an added record', [27017, 27018, 27019]],
    ['a removed record', [27017]],
    ['a replaced record', [27017, 27019]],
    ['one new record for both', [27019]],
    ['two new records for both', [27019, 27020]],
  ] as const) {
    it(`follows ${what}`, async () => {
      poll();
      serve(...ports);
      await look();
      expect(known()).to.have.members([...ports]);
    });
  }

  it('goes on after a minute', async () => {
    poll();
    serve(27019);
    await look();
    serve(27020);
    await look();
    expect(known()).to.deep.equal([27020]);
    expect(topology.changes).to.equal(2);
  });

  for (const [what, fail] of [
    ['nobody knows the name', () => names().serve(SERVICE)],
    ['the name server fails', () => (names().errorCode = 2)],
    ['no server is in the domain', () => names().serve(SERVICE, 'localhost.evil.com:27017')],
  ] as const) {
    it(`changes nothing when ${what}, and looks again after heartbeatFrequencyMS`, async () => {
      poll();
      serve(27019);
      await look();
      fail();
      await look();
      await look(HEARTBEAT);
      expect(known()).to.deep.equal([27019]);
      expect(topology.changes).to.equal(1);
      names().errorCode = 0;
      serve(27020);
      await look(HEARTBEAT);
      expect(known()).to.deep.equal([27020]);
      expect(lastDelay()).to.equal(PAUSE);
    });
  }

  it('changes nothing when the name server is silent', async () => {
    poll();
    names().silentOn = 'all';
    clock.tick(PAUSE);
    await soon(() => looks() > 0);
    clock.tick(LIMIT);
    await soon(() => lastDelay() === HEARTBEAT);
    expect(known()).to.deep.equal([27017, 27018]);
  });

  it('leaves out servers that are not in the domain', async () => {
    poll();
    names().serve(SERVICE, server(27019), 'localhost.evil.com:27020');
    await look();
    expect(known()).to.deep.equal([27019]);
  });

  it('with srvMaxHosts 0, and as many as there are, takes all', async () => {
    for (const most of [0, 3, 4]) {
      poll(`srvMaxHosts=${most}`);
      serve(27017, 27019, 27020);
      await look();
      expect(known()).to.have.members([27017, 27019, 27020]);
      poller?.close();
    }
  });

  it('with less, keeps those that it has and adds others at random', async () => {
    poll('srvMaxHosts=2');
    serve(27017, 27019, 27020);
    const added = new Set<number | null | undefined>();
    for (let round = 0; round < 40; round++) {
      topology.addresses = [27017, 27018].map((port) => Address.parse(server(port)));
      await look();
      expect(known()).to.have.length(2).that.includes(27017);
      added.add(known().find((port) => port !== 27017));
    }
    expect([...added]).to.have.members([27019, 27020]);
  });

  it('does not look where the topology knows its members otherwise', async () => {
    poll();
    topology.takesSeeds = false;
    clock.tick(PAUSE);
    expect(clock.countTimers()).to.equal(0);
    expect(looks()).to.equal(0);
  });

  it('does not change what has become something else meanwhile', async () => {
    poll();
    serve(27019);
    clock.tick(PAUSE);
    topology.takesSeeds = false;
    await soon(() => clock.countTimers() === 0);
    expect(looks()).to.equal(1);
    expect(topology.changes).to.equal(0);
  });

  it('ends with close, also within a look', async () => {
    poll();
    poller?.close();
    expect(clock.countTimers()).to.equal(0);

    poll();
    names().silentOn = 'all';
    clock.tick(PAUSE);
    await soon(() => looks() > 0);
    poller?.close();
    poller?.close();
    await soon(() => clock.countTimers() === 0);
    expect(topology.changes).to.equal(0);
  });

  it('keeps no process alive', () => {
    poll();
    const timer = timers.lastCall.returnValue as unknown as NodeJS.Timeout;
    expect(timer.hasRef()).to.equal(false);
  });
});
