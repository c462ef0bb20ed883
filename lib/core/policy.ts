/**
 * What differs between the surfaces that stand on one engine. A client hands the engine one constant object of this
 * type; nothing else tells the engine for whom it works.
 */
export interface Policy {
  /** One host and no set name: talk to whatever is there, or find out what it belongs to. */
  readonly singleHost: 'direct' | 'discover';
  /**
   * Ask the seeds when a server is needed, in one round, and fail with it; or have a monitor watch each server, and wait
   * up to `serverSelectionTimeoutMS` for a suitable one.
   */
  readonly view: 'on demand' | 'monitored';
  /** Reads go where their preference says, or where writes go. */
  readonly routesReads: boolean;
  /** Retry a failed read or write once, where that is safe. */
  readonly retries: boolean;
  /** Send `lsid` and `$clusterTime` to servers that have sessions. */
  readonly sessions: boolean;
  /** After `close()`: whether the next operation opens the client again. */
  readonly reopens: boolean;
  /** Whose options there are, and by which names. */
  readonly optionNames: 'PyMongo 2.7' | 'PyMongo 4.9';
  /** The class of errors about option values. */
  readonly optionErrors: 'ConfigurationError' | 'ValueError and TypeError';
  /** An option that stands both in the connection string and among the keywords. */
  readonly precedence: 'string' | 'keyword';
  /** An option of a connection string that is unknown or has a bad value: refuse it, or warn and go on without it. */
  readonly unknownUriOption: 'error' | 'warning';
  /** Which binary values of a reply become UUIDs: subtypes 3 and 4, or only the one in which UUIDs are written. */
  readonly readsUuids: 'both subtypes' | 'the one it writes';
  /** `localhost`: IPv4 only, or every address in resolver order. */
  readonly localhost: 'IPv4' | 'resolver order';
}
