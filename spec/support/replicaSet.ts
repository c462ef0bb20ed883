import { Binary, type Document, Long, ObjectId, Timestamp } from 'bson';
import { PlayedServer } from './playedServer';
import type { Exchange, SeenCommand } from './proxy';
import type { Where } from './rawClient';
import { errorReply, nameOfCode, Refusal } from './refusal';
import { RetryableWrites } from './retryableWrites';

/** Commands that only a primary runs. */
const WRITES = new Set([
  'bulkWrite',
  'collMod',
  'convertToCapped',
  'create',
  'createIndexes',
  'createRole',
  'createUser',
  'delete',
  'drop',
  'dropAllUsersFromDatabase',
  'dropDatabase',
  'dropIndexes',
  'dropUser',
  'findAndModify',
  'findandmodify',
  'insert',
  'renameCollection',
  'replSetStepDown',
  'update',
  'updateUser',
]);

/** Commands that a secondary runs when the client allows it. */
const READS = new Set([
  'aggregate',
  'collStats',
  'count',
  'dataSize',
  'dbStats',
  'distinct',
  'explain',
  'find',
  'listCollections',
  'listDatabases',
  'listIndexes',
  'mapReduce',
  'mapreduce',
]);

/** Errors that a client takes for a change of the primary; they come with the topology version. */
const NOT_PRIMARY = new Set([189, 10107, 11602, 13435, 13436]);

/** How long a set has no primary after `replSetStepDown`, in milliseconds. */
const ELECTION = 50;

export interface MemberOptions {
  arbiter?: boolean;
  /** 0: it never becomes primary, and `hello` lists it among the passives. Default 1. */
  priority?: number;
  hidden?: boolean;
  tags?: Readonly<Record<string, string>>;
  /** How far it is behind the primary, in milliseconds. */
  lag?: number;
  /** It has not caught up: it is no secondary yet. */
  recovering?: boolean;
}

/**
 * Play a replica set over a standalone: its members share the server's data. The first member that may be is primary.
 * @param members how many there are, or what each is
 */
export async function playReplicaSet(
  server: Where,
  members: number | readonly MemberOptions[] = 3,
): Promise<ReplicaSet> {
  const set = new ReplicaSet(server);
  const options = typeof members === 'number' ? Array.from({ length: members }, () => ({})) : members;
  for (const each of options) await set.add(each);
  const first = set.members.find((member) => member.isElectable);
  if (first !== undefined) set.elect(first);
  return set;
}

/** A replica set that is played, and who is what in it. */
export class ReplicaSet {
  readonly name = 'rs';
  readonly members: Member[] = [];
  readonly writes = new RetryableWrites();
  primary: Member | null = null;
  version = 0;
  term = 0;
  /** The cluster time, which is also that of the last write. */
  time = new Timestamp({ t: Math.floor(Date.now() / 1000), i: 1 });
  readonly #server: Where;
  readonly #started: Member[] = [];

  constructor(server: Where) {
    this.#server = server;
  }

  /** A connection string with all members. */
  get uri(): string {
    return `${this.seeds}?replicaSet=${this.name}`;
  }

  /** The same for clients that are not told what set it is. */
  get seeds(): string {
    return `mongodb://${this.members.map((member) => member.address).join(',')}/`;
  }

  member(index: number): Member {
    return this.members[index] as Member;
  }

  /** How many commands of this name each member got. */
  counts(name: string): number[] {
    return this.members.map((member) => member.count(name));
  }

  get secondaries(): Member[] {
    return this.members.filter((member) => member.state === 'secondary');
  }

  /** All commands that the members got, each member's in order. */
  get commands(): SeenCommand[] {
    return this.members.flatMap((member) => member.commands);
  }

  /** Connections that are open now, to all members. */
  get connections(): Readonly<{ open: number }> {
    return { open: this.members.reduce((sum, member) => sum + member.connections.open, 0) };
  }

  /** Let a member become primary, in a new term. Who was it before is a secondary. */
  elect(member: Member): void {
    this.term += 1;
    this.primary = member;
    this.#changed();
  }

  /** The primary becomes a secondary; there is none until the next `elect`. */
  stepDown(): void {
    this.primary = null;
    this.#changed();
  }

  /** A new member, which is a secondary. */
  async add(options: MemberOptions = {}): Promise<Member> {
    const member = new Member(this, this.#server, options);
    await member.accept();
    this.#started.push(member);
    this.members.push(member);
    this.reconfigured();
    return member;
  }

  /** Take a member out of the set; it goes on running, and knows that it is in none. */
  remove(member: Member): void {
    this.members.splice(this.members.indexOf(member), 1);
    if (this.primary === member) this.primary = null;
    this.reconfigured();
    member.changed();
  }

  /** Its configuration was changed: members, tags and such. */
  reconfigured(): void {
    this.version += 1;
    this.#changed();
  }

  /** A member ends: it drops its connections and refuses others. */
  async kill(member: Member): Promise<void> {
    const ended = member.close();
    if (this.primary === member) this.stepDown();
    await ended;
  }

  /** A member that was killed is there again, as a secondary. */
  async restart(member: Member): Promise<void> {
    member.restarted();
    await member.accept();
  }

  /** End all that were ever members. */
  async close(): Promise<void> {
    await Promise.all(this.#started.map((member) => member.close()));
  }

  /** Another write. */
  tick(): void {
    this.time = new Timestamp({ t: this.time.t, i: this.time.i + 1 });
  }

  /** A client knows of a later time. */
  advanceTo(time: Timestamp | undefined): void {
    if (time?.greaterThan(this.time) === true) this.time = time;
  }

  #changed(): void {
    for (const member of this.members) member.changed();
  }
}

/** One member: it passes on what a member like it would do, and refuses what it would not. */
export class Member extends PlayedServer {
  readonly options: MemberOptions;
  readonly #set: ReplicaSet;

  constructor(set: ReplicaSet, server: Where, options: MemberOptions) {
    super(server, {});
    this.#set = set;
    this.options = { ...options };
  }

  get state(): 'primary' | 'secondary' | 'arbiter' | 'recovering' | 'removed' {
    if (!this.#set.members.includes(this)) return 'removed';
    if (this.options.arbiter === true) return 'arbiter';
    if (this.options.recovering === true) return 'recovering';
    return this.#set.primary === this ? 'primary' : 'secondary';
  }

  get isElectable(): boolean {
    return this.options.arbiter !== true && this.options.recovering !== true && this.options.priority !== 0;
  }

  /** Give it other tags, in a new version of the set's configuration. */
  retag(tags: Readonly<Record<string, string>>): void {
    this.options.tags = tags;
    this.#set.reconfigured();
  }

  restarted(): void {
    this.becomeNew();
  }

  protected override describe(command: SeenCommand): Document {
    const { state, options } = this;
    const isPrimary = state === 'primary';
    const writable = { [command.name === 'hello' ? 'isWritablePrimary' : 'ismaster']: isPrimary };
    const common = { isWritablePrimary: undefined, ismaster: undefined, ...super.describe(command), ...writable };
    if (state === 'removed') {
      return { ...common, secondary: false, isreplicaset: true, info: 'Does not have a valid replica set config' };
    }
    const { name, version, term, primary, members } = this.#set;
    const addresses = (is: (member: Member) => boolean) => {
      const found = members.filter((member) => member.options.hidden !== true && is(member));
      return found.length === 0 ? undefined : found.map((member) => member.address);
    };
    const isArbiter = (member: Member) => member.options.arbiter === true;
    const isPassive = (member: Member) => !isArbiter(member) && member.options.priority === 0;
    return {
      ...common,
      hosts: addresses((member) => !isArbiter(member) && !isPassive(member)) ?? [],
      passives: addresses(isPassive),
      arbiters: addresses(isArbiter),
      setName: name,
      setVersion: version,
      secondary: state === 'secondary',
      primary: primary?.address,
      arbiterOnly: isArbiter(this) ? true : undefined,
      passive: isPassive(this) ? true : undefined,
      hidden: options.hidden,
      tags: options.tags,
      me: this.address,
      electionId: isPrimary ? new ObjectId(`7fffffff${term.toString(16).padStart(16, '0')}`) : undefined,
      lastWrite: isArbiter(this) ? undefined : this.#lastWrite(),
    };
  }

  #lastWrite(): Document {
    const { time, term } = this.#set;
    const opTime = { ts: time, t: Long.fromNumber(term) };
    // A primary writes now and then when nobody else does, so that its last write is always recent.
    const date = new Date(Date.now() - (this.options.lag ?? 0));
    return { opTime, lastWriteDate: date, majorityOpTime: opTime, majorityWriteDate: date };
  }

  protected override metadata({ name, document }: SeenCommand, code: number | undefined): Document {
    if (this.state === 'removed' || this.state === 'arbiter') return {};
    const { time } = this.#set;
    // Without keys, as on a server without authentication.
    const signature = { hash: new Binary(Buffer.alloc(20)), keyId: Long.ZERO };
    return {
      ...(WRITES.has(name) && code === undefined ? this.#concernError(document.writeConcern?.w) : {}),
      ...(NOT_PRIMARY.has(code ?? 0) ? { topologyVersion: this.topologyVersion } : {}),
      $clusterTime: { clusterTime: time, signature },
      operationTime: time,
    };
  }

  protected override forget(sessions: readonly Document[]): void {
    super.forget(sessions);
    this.#set.writes.forget(sessions);
  }

  protected override async play(exchange: Exchange): Promise<Buffer | Document | null> {
    const { name, document } = exchange.command;
    this.#set.advanceTo(document.$clusterTime?.clusterTime);
    this.#refuseByState(name, document.$readPreference?.mode);
    if (name === 'replSetStepDown') return this.#stepDown();
    if (name === 'replSetFreeze') return { ok: 1 };
    if (document.autocommit !== undefined) throw new Refusal(20, 'this replica set is played, without transactions');
    if (WRITES.has(name)) this.#set.tick();
    if (document.txnNumber === undefined) return super.play(exchange);
    return this.#set.writes.run(exchange, this.failPoints, (message) =>
      this.passOn(message === undefined ? exchange : { ...exchange, message }),
    );
  }

  #refuseByState(name: string, mode = 'primary'): void {
    const { state } = this;
    if (state === 'primary') return;
    if (WRITES.has(name)) throw new Refusal(10107, 'not primary');
    if (!READS.has(name)) return;
    if (mode === 'primary') throw new Refusal(13435, 'not primary and secondaryOk=false');
    if (state !== 'secondary') throw new Refusal(13436, 'node is not in primary or recovering state');
  }

  #stepDown(): Document {
    const next = this.#set.members.find((member) => member !== this && member.isElectable);
    if (next === undefined) return errorReply(262, 'No electable secondaries caught up');
    this.#set.stepDown();
    setTimeout(() => this.#set.elect(next), ELECTION).unref();
    return { ok: 1 };
  }

  protected override async passOn(exchange: Exchange): Promise<Buffer | null> {
    const { document } = exchange.command;
    const { readConcern, writeConcern } = document;
    const without = new Set(['$readPreference']);
    const after = readConcern?.afterClusterTime as Timestamp | undefined;
    if (after?.greaterThan(this.#set.time) === true) {
      throw new Refusal(72, 'readConcern afterClusterTime value must not be greater than the current clusterTime');
    }
    if (after !== undefined) without.add('readConcern');
    if (readConcern?.level === 'linearizable' && document.pipeline?.some(writes) === true) {
      throw new Refusal(72, "a stage that writes cannot be used with a 'linearizable' read concern level");
    }
    const w = writeConcern?.w;
    if (typeof w === 'string' || w > 1) without.add('writeConcern');
    return super.passOn(exchange, without);
  }

  /** What the members of the set cannot promise is told after the write was done. */
  #concernError(w: unknown): Document {
    const bearing = this.#set.members.filter((member) => member.options.arbiter !== true).length;
    if (typeof w === 'number' && w > bearing) return concernError(100, 'Not enough data-bearing nodes');
    if (typeof w !== 'string' || w === 'majority') return {};
    return concernError(79, `No write concern mode named '${w}' found in replica set configuration`);
  }
}

function writes(stage: Document): boolean {
  return stage.$out !== undefined || stage.$merge !== undefined;
}

function concernError(code: number, errmsg: string): Document {
  return { writeConcernError: { code, codeName: nameOfCode(code), errmsg } };
}
