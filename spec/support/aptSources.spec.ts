import { expect } from 'chai';
import { fromLines, fromParagraphs } from './aptSources';

const MIRROR = 'http://mirror.example/debian';

describe('apt sources', () => {
  it('are read from lines', () => {
    const text = `
# deb ${MIRROR} old main
deb-src ${MIRROR} bookworm main
deb ${MIRROR} bookworm main contrib # the usual
  deb [arch=amd64 signed-by=/keys/debian.gpg] ${MIRROR} bookworm-updates main`;
    expect(fromLines(text)).to.deep.equal([
      { uri: MIRROR, suite: 'bookworm', components: ['main', 'contrib'], signedBy: null },
      { uri: MIRROR, suite: 'bookworm-updates', components: ['main'], signedBy: '/keys/debian.gpg' },
    ]);
  });

  it('are read from paragraphs', () => {
    const text = `Types: deb deb-src
# a comment between
URIs: ${MIRROR}
Suites: bookworm
 bookworm-updates
Components: main
Signed-By: /keys/debian.gpg

Types: deb-src
URIs: ${MIRROR}
Suites: sources
Components: main

Enabled: no
Types: deb
URIs: ${MIRROR}
Suites: disabled
Components: main

Types: deb
URIs: ${MIRROR}
Suites: trixie
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc=
`;
    expect(fromParagraphs(text)).to.deep.equal([
      { uri: MIRROR, suite: 'bookworm', components: ['main'], signedBy: '/keys/debian.gpg' },
      { uri: MIRROR, suite: 'bookworm-updates', components: ['main'], signedBy: '/keys/debian.gpg' },
      { uri: MIRROR, suite: 'trixie', components: ['main'], signedBy: null },
    ]);
  });
});
