import { expect } from 'chai';
import { Address } from '../../lib/core/address';
import { ConfigurationError } from '../../lib/core/errors';

describe('Address', () => {
  it('reads names, ports, IPv6 addresses and sockets', () => {
    for (const [text, host, port] of [
      ['db1', 'db1', 27017],
      ['db1:1', 'db1', 1],
      ['DB1.Example.com:65535', 'db1.example.com', 65535],
      ['[::1]', '::1', 27017],
      ['[FE80::1%eth0]:5', 'fe80::1%eth0', 5],
      ['127.0.0.1:27018', '127.0.0.1', 27018],
      ['/tmp/Mongo.sock', '/tmp/Mongo.sock', null],
      ['rel.sock', 'rel.sock', null],
    ] as const) {
      expect(Address.parse(text)).to.deep.include({ host, port });
    }
  });

  it('takes the default port where none is named', () => {
    expect(String(Address.parse('db1', 5))).to.equal('db1:5');
    expect(String(Address.parse('db1:6', 5))).to.equal('db1:6');
  });

  it('prints itself so that it can be read again', () => {
    for (const text of ['db1:27017', '[::1]:27018', '/tmp/x.sock']) {
      expect(String(Address.parse(text))).to.equal(text);
      expect(Address.parse(text).equals(Address.parse(text))).to.equal(true);
    }
    expect(Address.parse('a').equals(Address.parse('a:1'))).to.equal(false);
    expect(Address.parse('a').equals('a:27017')).to.equal(false);
  });

  it('refuses what is no address', () => {
    for (const text of [
      '',
      'a:',
      'a:b',
      'a:0',
      'a:65536',
      'a:-1',
      'a:1.5',
      '::1',
      'a::1',
      '[::1',
      '[]',
      ':1',
      'a:1:2',
      'a/db',
      'a/?w=1',
      '/tmp/x',
      'a b',
      ' a',
    ]) {
      expect(() => Address.parse(text), text).to.throw(ConfigurationError);
    }
  });

  it('keeps a password that stands in the wrong place out of the message', () => {
    expect(() => Address.parse('eve:secret@db1'))
      .to.throw(ConfigurationError, 'mongodb://user:password@host')
      .with.property('message')
      .that.does.not.include('secret');
  });
});
