import { expect } from 'chai';
import { web } from '../../compat/tornado';
import { HTTPError } from '../../lib/motor/web';

describe('web.HTTPError', () => {
  it('carries the status, the reason and what happened', () => {
    const cause = new Error('disk full');
    const error = new HTTPError(500, cause);
    expect(error).to.be.instanceOf(Error).with.property('status_code', 500);
    expect(error.cause).to.equal(cause);
    expect(String(error)).to.equal('HTTPError: HTTP 500: Internal Server Error (disk full)');
    expect(new HTTPError(404, 'no such page').message).to.equal('HTTP 404: Not Found (no such page)');
    expect(new HTTPError(799).message).to.equal('HTTP 799: Unknown');
    expect(() => new HTTPError('404' as never)).to.throw(TypeError, 'status_code');
  });

  it('is the same in compat/tornado, which has nothing else of web', () => {
    expect(Object.keys(web)).to.deep.equal(['HTTPError']);
    expect(web.HTTPError).to.equal(HTTPError);
  });
});
