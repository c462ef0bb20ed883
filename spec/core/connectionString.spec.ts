import { inspect } from 'node:util';
import { expect } from 'chai';
import { parseConnectionString } from '../../lib/core/connectionString';
import { InvalidURI } from '../../lib/core/errors';

const parse = parseConnectionString;
const seedsOf = (uri: string) => parse(uri).seeds.map(String);

describe('parseConnectionString', () => {
  it('reads hosts, database and options', () => {
    const string = parse('mongodb://A,b:2,[::1]:3/shop?w=2&J=true');
    expect(string.seeds.map(String)).to.deep.equal(['a:27017', 'b:2', '[::1]:3']);
    expect(string.database).to.equal('shop');
    expect(string.options).to.deep.equal([
      ['w', '2'],
      ['J', 'true'],
    ]);
    expect(parse('mongodb://a/').database).to.equal(null);
    expect(parse('mongodb://a/?w=1').database).to.equal(null);
  });

  it('splits a collection off the database', () => {
    expect(parse('mongodb://h/db.coll.sub')).to.deep.include({ database: 'db', collection: 'coll.sub' });
    expect(parse('mongodb://h/db')).to.deep.include({ database: 'db', collection: null });
  });

  it('decodes user and password, a + to a space', () => {
    const user = (uri: string) => [parse(uri).username, parse(uri).password];
    expect(user('mongodb://a%40b:p%3A%2F%25+q@h')).to.deep.equal(['a@b', 'p:/% q']);
    expect(user('mongodb://a+b@h')).to.deep.equal(['a b', null]);
    expect(user('mongodb://a:@h')).to.deep.equal(['a', '']);
    expect(user('mongodb://a%2Bb:%2B@h')).to.deep.equal(['a+b', '+']);
    expect(user('mongodb://h')).to.deep.equal([null, null]);
  });

  it('decodes options', () => {
    expect(parse('mongodb://h/?appname=a%26b%3Dc+d&x==1').options).to.deep.equal([
      ['appname', 'a&b=c d'],
      ['x', '=1'],
    ]);
  });

  it('takes & or ; between options, not both', () => {
    expect(parse('mongodb://h/?w=1;j=true').options).to.have.length(2);
    expect(parse('mongodb://h/?w=1&j=true').options).to.have.length(2);
    expect(() => parse('mongodb://h/?w=1;j=true&fsync=true')).to.throw(InvalidURI, 'not by both');
  });

  it('knows Unix sockets, escaped and plain', () => {
    expect(seedsOf('mongodb://%2Ftmp%2Fa.sock,b:1/db')).to.deep.equal(['/tmp/a.sock', 'b:1']);
    expect(seedsOf('mongodb:///tmp/a.sock')).to.deep.equal(['/tmp/a.sock']);
    expect(seedsOf('mongodb://b,/tmp/a.sock,/tmp/c.sock/db?w=1')).to.deep.equal([
      'b:27017',
      '/tmp/a.sock',
      '/tmp/c.sock',
    ]);
    expect(parse('mongodb://eve:secret@/tmp/a.sock/db.x?w=1')).to.deep.include({ username: 'eve', database: 'db' });
  });

  it('refuses other schemes and what comes without hosts', () => {
    for (const uri of ['', 'a', 'http://h', 'mongo://h', 'MONGODB://h', 'mongodb+srv:h', 'mongodb:h', 'mongodb://']) {
      expect(() => parse(uri), uri).to.throw(InvalidURI);
    }
    for (const uri of [
      'mongodb:///db',
      'mongodb://a,,b',
      'mongodb://a,',
      'mongodb://?w=1',
      'mongodb:///?w=1',
      'mongodb://:1',
    ]) {
      expect(() => parse(uri), uri).to.throw(InvalidURI);
    }
  });

  it('reads the host of mongodb+srv://, which is no seed', () => {
    const string = parse('mongodb+srv://a%40b:c@Cluster.Example.COM./shop?w=2');
    expect(string).to.deep.include({ srvHost: 'cluster.example.com', seeds: [], username: 'a@b', database: 'shop' });
    expect(string.options).to.deep.equal([['w', '2']]);
    for (const host of ['localhost', 'mongo.local']) expect(parse(`mongodb+srv://${host}`).srvHost).to.equal(host);
    expect(parse('mongodb://h').srvHost).to.equal(null);
  });

  it('takes one host name after mongodb+srv://, without a port', () => {
    expect(() => parse('mongodb+srv://a.b.c:27017')).to.throw(InvalidURI, 'port');
    expect(() => parse('mongodb+srv://a.b.c,d.b.c')).to.throw(InvalidURI, 'one host');
    for (const host of ['127.0.0.1', '[::1]', 'a..b', '.a.b', '%2Ftmp%2Fa.sock', '/tmp/a.sock', '', '.']) {
      expect(() => parse(`mongodb+srv://${host}`), host).to.throw(InvalidURI);
    }
  });

  it('wants a / before the ?, and options of the form key=value', () => {
    expect(() => parse('mongodb://h?w=1')).to.throw(InvalidURI, '/ must stand before');
    expect(() => parse('mongodb://h/?w')).to.throw(InvalidURI, "'w' has no value");
    expect(() => parse('mongodb://h/?=1')).to.throw(InvalidURI, 'key=value');
    expect(() => parse('mongodb://h/?w=%zz')).to.throw(InvalidURI, '%25');
    expect(() => parse('mongodb://h/db#x')).to.throw(InvalidURI, '%23');
    expect(() => parse('mongodb://h/a/b')).to.throw(InvalidURI, 'database');
    expect(() => parse('mongodb://h/%')).to.throw(InvalidURI, 'database');
  });

  it('keeps the cause', () => {
    expect(() => parse('mongodb://h:0'))
      .to.throw(InvalidURI, 'port')
      .with.property('cause')
      .that.is.instanceOf(Error);
    expect(() => parse('mongodb://'))
      .to.throw(InvalidURI)
      .with.property('cause')
      .that.is.instanceOf(Error);
  });

  it('never shows a user or a password, however they are misplaced', () => {
    for (const uri of [
      'mongodb://eve:sec:ret@h',
      'mongodb://eve:sec@ret@h',
      'mongodb://eve:sec/ret@h',
      'mongodb://eve:sec/?ret@h',
      'mongodb://eve:sec/?ret=sec@h',
      'mongodb://eve:sec?ret@h/?w=1',
      'mongodb://eve:sec#ret@h',
      'mongodb://eve:sec%zz@h',
      'mongodb://eve:sec[ret@h',
      'mongodb://:secret@h',
      'mongodb://@h',
      'mongodb://eve:secret@h:99999',
      'mongodb://eve:secret@',
      'mongodb://eve:secret@h,,',
      'mongodb+srv://eve:secret@h:1',
      'mongodb+srv://eve:sec@ret@h',
      'mongodb+srv://eve:secret@a,b',
      'mongo://eve:secret@h',
    ]) {
      let error: unknown;
      try {
        parse(uri);
      } catch (thrown) {
        error = thrown;
      }
      expect(error, uri).to.be.instanceOf(InvalidURI);
      expect(inspect(error), uri).to.not.match(/\b(eve|sec|ret|secret)\b/);
    }
  });
});
