import { inspect } from 'node:util';
import { expect } from 'chai';
import { Scram, type ScramMechanism } from '../../../lib/core/auth/scram';
import type { Credential } from '../../../lib/core/clientOptions';
import { ConfigurationError, OperationFailure } from '../../../lib/core/errors';
import { newCredential } from '../../../lib/core/options';
import { rejection } from '../../support/rejection';

const credential = (username: string, password: string): Credential =>
  newCredential({ username, password, source: 'admin', mechanism: null, properties: {} });

const pencil = credential('user', 'pencil');

describe('Scram', () => {
  it('speaks SCRAM-SHA-256 as in the example of RFC 7677', async () => {
    const nonce = 'rOprNGfwEbeRWgbNEkqO';
    const whole = `${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0`;
    const scram = new Scram('SCRAM-SHA-256', pencil, nonce);
    expect(scram.first).to.equal(`n,,n=user,r=${nonce}`);
    expect(await scram.final(`r=${whole},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`)).to.equal(
      `c=biws,r=${whole},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`,
    );
    scram.verify('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
    expect(() => scram.verify('v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')).to.throw(
      OperationFailure,
      'signature',
    );
  });

  it('speaks SCRAM-SHA-1 with the digest of MongoDB', async () => {
    const nonce = 'fyko+d2lbbFgONRv9qkxdawL';
    const whole = `${nonce}Ho+Vgk7qvUOKUwuWLIWg4l/9SraGMHEE`;
    const scram = new Scram('SCRAM-SHA-1', pencil, nonce);
    expect(await scram.final(`r=${whole},s=rQ9ZY3MntBeuP3E1TDVC4w==,i=10000`)).to.equal(
      `c=biws,r=${whole},p=MC2T8BvbmWRckDw8oWl5IVghwCY=`,
    );
    scram.verify('v=UMWeI25JD1yNYZRMpZ4VHvhZ9e0=');
  });

  it('takes a nonce of its own each time, and escapes the user', () => {
    const nonces = Array.from({ length: 20 }, () => /,r=(.+)$/.exec(new Scram('SCRAM-SHA-1', pencil).first)?.[1]);
    expect(new Set(nonces)).to.have.property('size', 20);
    for (const nonce of nonces) expect(nonce).to.match(/^[A-Za-z0-9+/=]{32,}$/);
    expect(new Scram('SCRAM-SHA-1', credential('a=b,c=2C', 'x'), 'n').first).to.equal('n,,n=a=3Db=2Cc=3D2C,r=n');
  });

  for (const [what, message, words] of [
    ['another nonce', 'r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096', 'nonce'],
    ['only our nonce', 'r=ours,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096', 'nonce'],
    ['no nonce', 's=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096', 'nonce'],
    ['too few iterations', 'r=ours1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095', '4096'],
    ['no iterations', 'r=ours1,s=W22ZaJ0SNY7soEsUEjb6gQ==', 'iterations'],
    ['a number that is none', 'r=ours1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096.5', 'iterations'],
    ['a number beyond all', 'r=ours1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999999', 'iterations'],
    ['no salt', 'r=ours1,i=4096', 'salt'],
    ['a mandatory extension', 'm=x,r=ours1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096', 'extension'],
    ['an error', 'e=unknown-user', 'unknown-user'],
    ['nothing', '', 'nonce'],
  ] as const) {
    it(`refuses a first answer with ${what}`, async () => {
      const error = await rejection(new Scram('SCRAM-SHA-256', pencil, 'ours').final(message));
      expect(error).to.be.instanceOf(OperationFailure).with.property('message').that.includes(words);
    });
  }

  for (const message of ['', 'v=', 'v=AAAA', 'e=other-error', 'x']) {
    it(`refuses '${message}' as proof of the server`, async () => {
      const scram = new Scram('SCRAM-SHA-256', pencil, 'ours');
      expect(() => scram.verify(message)).to.throw(OperationFailure);
      await scram.final('r=ours1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096');
      expect(() => scram.verify(message)).to.throw(OperationFailure);
    });
  }

  it('takes passwords that look alike for the same, with SCRAM-SHA-256', async () => {
    const proof = (password: string, mechanism: ScramMechanism = 'SCRAM-SHA-256') =>
      new Scram(mechanism, credential('user', password), 'ours').final('r=ours1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096');
    const plain = await proof('IX');
    expect(await proof('I\u00adX')).to.equal(plain);
    expect(await proof('\u2168')).to.equal(plain);
    expect(await proof('IV')).not.to.equal(plain);
    expect(await proof('I\u00adX', 'SCRAM-SHA-1')).not.to.equal(await proof('IX', 'SCRAM-SHA-1'));
  });

  it('derives the keys of a credential once for the same salt and iterations', async () => {
    const taken = async (of: Credential, iterations: number) => {
      const startedAt = performance.now();
      await new Scram('SCRAM-SHA-256', of, 'ours').final(`r=ours1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=${iterations}`);
      return performance.now() - startedAt;
    };
    const own = credential('user', 'pencil');
    const first = await taken(own, 500_000);
    expect(await taken(own, 500_000)).to.be.below(first / 4);
    expect(await taken(own, 500_001)).to.be.above(first / 4);
    expect(await taken(credential('user', 'pencil'), 500_000)).to.be.above(first / 4);
  });

  it('names the rule that a password breaks, but not the password', async () => {
    for (const password of ['tab\there', '\u06271', '\ud800x']) {
      const scram = new Scram('SCRAM-SHA-256', credential('user', password), 'ours');
      const error = await rejection(scram.final('r=ours1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'));
      expect(error).to.be.instanceOf(ConfigurationError).with.property('message').that.includes('SASLprep');
      expect(inspect(error, { depth: 9, showHidden: true })).not.to.include(password);
    }
  });

  it('shows neither password nor keys', async () => {
    const scram = new Scram('SCRAM-SHA-256', credential('user', 'hush hush'), 'ours');
    await scram.final('r=ours1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096');
    expect(inspect(scram, { depth: 9, showHidden: true })).not.to.match(/hush|Buffer/);
  });
});
