import type { Policy } from '../core/policy';

/** How clients of asyncio Motor behave, where surfaces differ. */
export const ASYNCIO_POLICY: Policy = Object.freeze({
  singleHost: 'discover',
  view: 'monitored',
  routesReads: true,
  retries: true,
  sessions: true,
  reopens: false,
  optionNames: 'PyMongo 4.9',
  optionErrors: 'ValueError and TypeError',
  precedence: 'keyword',
  unknownUriOption: 'warning',
  readsUuids: 'the one it writes',
  localhost: 'resolver order',
});
