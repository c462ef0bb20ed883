import type { Policy } from '../../lib/core/policy';

/** The policy of `MotorClient`, as far as options are concerned. */
export const motorLike: Policy = {
  singleHost: 'direct',
  serverWait: 'one round',
  retries: false,
  reopens: true,
  optionNames: 'PyMongo 2.7',
  optionErrors: 'ConfigurationError',
  precedence: 'string',
  unknownUriOption: 'error',
  checkKeys: true,
  emptyProjection: '_id',
  readsUuids: 'both subtypes',
  localhost: 'IPv4',
};

/** The policy of a surface that follows today's driver specifications. */
export const asyncioLike: Policy = {
  singleHost: 'discover',
  serverWait: 'selection timeout',
  retries: true,
  reopens: false,
  optionNames: 'PyMongo 4.9',
  optionErrors: 'ValueError and TypeError',
  precedence: 'keyword',
  unknownUriOption: 'warning',
  checkKeys: false,
  emptyProjection: 'as is',
  readsUuids: 'the one it writes',
  localhost: 'resolver order',
};
