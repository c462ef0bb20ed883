import { type Document, Int32, ObjectId } from 'bson';
import { newProxy } from './clients';
import { rewriteReply } from './faults';
import type { FaultProxy } from './proxy';

export type Role = 'primary' | 'secondary' | 'arbiter';

/** One member: a proxy that has the server's hello say what the set says. */
export interface Member {
  readonly proxy: FaultProxy;
  role: Role;
  tags: Record<string, string>;
  /** Milliseconds since 1970. */
  lastWrite: number;
}

/** A replica set of which each member is the one server. */
export class PlayedSet {
  readonly members: Member[] = [];
  term = 1;

  static async of(...roles: Role[]): Promise<PlayedSet> {
    const set = new PlayedSet();
    for (const role of roles) await set.add(role);
    return set;
  }

  async add(role: Role): Promise<Member> {
    const member: Member = { proxy: await newProxy(), role, tags: {}, lastWrite: Date.now() };
    member.proxy.on(
      'hello',
      rewriteReply((hello) => ({ ...hello, ...this.#said(member) })),
      Number.POSITIVE_INFINITY,
    );
    this.members.push(member);
    return member;
  }

  member(index: number): Member {
    return this.members[index] as Member;
  }

  elect(index: number): void {
    this.term += 1;
    for (const [at, member] of this.members.entries()) member.role = at === index ? 'primary' : 'secondary';
  }

  uri(count = this.members.length): string {
    return `mongodb://${this.members.slice(0, count).map(({ proxy }) => proxy.address)}/`;
  }

  #said({ proxy, role, tags, lastWrite }: Member): Document {
    const addresses = (...wanted: Role[]) =>
      this.members.filter((member) => wanted.includes(member.role)).map((member) => member.proxy.address);
    const isPrimary = role === 'primary';
    return {
      setName: 'played',
      setVersion: new Int32(1),
      me: proxy.address,
      hosts: addresses('primary', 'secondary'),
      arbiters: addresses('arbiter'),
      primary: addresses('primary')[0],
      isWritablePrimary: isPrimary,
      ismaster: isPrimary,
      secondary: role === 'secondary',
      arbiterOnly: role === 'arbiter',
      tags,
      lastWrite: { lastWriteDate: new Date(lastWrite) },
      electionId: isPrimary ? ObjectId.createFromTime(this.term) : undefined,
    };
  }
}
