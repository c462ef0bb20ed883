/** What the tests of the surfaces' tables of names have in common. */

import { expect } from 'chai';
import { DUAL } from '../../lib/motor/dual';

/** A: asynchronous, dual. S: synchronous. C: chaining. R: property. RW: one that can be assigned to. */
export type Kind = 'A' | 'S' | 'C' | 'R' | 'RW';
export type Table = Readonly<Record<string, Kind>>;

export const camelCase = (name: string) => name.replace(/_+(.)/g, (_, letter: string) => letter.toUpperCase());

/** The names of a class's own public members. */
export function membersOf(Class: { prototype: object }): Map<string, PropertyDescriptor> {
  const members = new Map<string, PropertyDescriptor>();
  for (let level = Class.prototype; ; level = Object.getPrototypeOf(level)) {
    const own = Object.getOwnPropertyDescriptors(level);
    if (Object.hasOwn(own, 'hasOwnProperty') || Object.getPrototypeOf(level) === null) return members;
    for (const [name, member] of Object.entries(own)) if (!members.has(name)) members.set(name, member);
  }
}

/** The member is there and of its kind, and goes by its camelCase name too. */
export function expectMember(
  members: ReadonlyMap<string, PropertyDescriptor>,
  of: object,
  name: string,
  kind: Kind,
): void {
  const object = of as Record<string, unknown>;
  const className = of.constructor.name;
  expect(members.has(name)).to.equal(true);
  if (kind === 'R' || kind === 'RW') {
    const assign = () => Reflect.set(object, name, object[name], object);
    if (kind === 'R') expect(assign).to.throw(TypeError, `${name} of ${className} is read-only`);
    else expect(assign).not.to.throw();
    expect((object[name] as { [DUAL]?: boolean } | null)?.[DUAL]).to.equal(undefined);
  } else {
    const method = object[name] as { name: string; [DUAL]?: boolean };
    expect(method).to.be.a('function').and.equal(object[name]);
    expect(method.name).to.equal(`bound ${name}`);
    expect(method[DUAL] ?? false, 'dual').to.equal(kind === 'A');
  }
  if (camelCase(name) === name) return;
  if (name === 'fetch_next') expect(object.fetchNext).to.be.instanceOf(Promise);
  else if (kind === 'A' || kind === 'S' || kind === 'C') expect(object[camelCase(name)]).to.equal(object[name]);
  else expect(object[camelCase(name)]).to.deep.equal(object[name]);
}
