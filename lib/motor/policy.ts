import type { Policy } from '../core/policy';

/** How clients of Motor 0.2 behave, where surfaces differ. */
export const MOTOR_POLICY: Policy = Object.freeze({
  singleHost: 'direct',
  view: 'on demand',
  routesReads: false,
  retries: false,
  sessions: false,
  reopens: true,
  optionNames: 'PyMongo 2.7',
  optionErrors: 'ConfigurationError',
  precedence: 'string',
  unknownUriOption: 'error',
  readsUuids: 'both subtypes',
  localhost: 'IPv4',
});
