import { inspect } from 'node:util';
import { serialize } from 'bson';
import { expect } from 'chai';
import { withChildren } from '../../lib/motor/children';
import { Bound, dual, only } from '../../lib/motor/dual';
import type { Children, Dual } from '../../typings/dual';

class Settings extends Bound {
  equals(other: unknown): boolean {
    return this === other;
  }
}

class Tree extends Settings {
  readonly #path: string;
  constructor(path: string) {
    super();
    this.#path = path;
  }
  get full_name(): string {
    return this.#path;
  }
  count(): Promise<string> {
    return Promise.resolve(this.#path);
  }
  open(): Promise<Tree> {
    return Promise.resolve(this);
  }
  override toString(): string {
    return `Tree(${this.#path})`;
  }
}

const MotorTree = withChildren(
  dual(Tree, { count: only(0), open: only(0) }),
  (self, name) => new Tree(`${self.full_name}.${name}`),
);
type MotorTree = Dual<Tree> & Children<MotorTree>;

class Leaf extends Settings {}
const MotorLeaf = dual(Leaf, {});

class Row extends Bound {}
const MotorRow = withChildren(dual(Row, {}), (_, name) => (/^\d+$/.test(name) ? Number(name) * 2 : undefined), {
  hideUnderscore: true,
});

const newTree = () => new MotorTree('a') as MotorTree;

describe('Property access to children', () => {
  it('reaches every name that is no member, by either notation', () => {
    const tree = newTree();
    expect(tree.b?.full_name).to.equal('a.b');
    expect(tree['b-c']?.full_name).to.equal('a.b-c');
    expect(tree.b?.c?.d?.full_name).to.equal('a.b.c.d');
    expect(tree.name?.full_name).to.equal('a.name');
    expect(tree._private?.full_name).to.equal('a._private');
    expect(tree.path?.full_name).to.equal('a.path');
    expect(tree['5']?.full_name).to.equal('a.5');
  });

  it('makes a new object each time, of the same class', () => {
    const tree = newTree();
    expect(tree.b).to.not.equal(tree.b);
    expect(tree.b).to.be.instanceOf(Tree);
  });

  it('leaves members alone', async () => {
    const tree = newTree();
    expect(await tree.count()).to.equal('a');
    expect(tree.fullName).to.equal('a');
    expect(tree.equals(tree)).to.equal(true);
    expect(String(tree)).to.equal('Tree(a)');
  });

  it('is not taken for a thenable', async () => {
    const tree = newTree();
    expect(await tree).to.equal(tree);
    expect(await tree.open()).to.equal(tree);
    expect(await tree.b?.open()).to.be.instanceOf(Tree);
  });

  it('gives nothing to those that probe', () => {
    const tree = newTree() as unknown as Record<PropertyKey, unknown>;
    for (const name of [
      'then',
      'toJSON',
      'inspect',
      'toBSON',
      '_bsontype',
      '__esModule',
      '$$typeof',
      'asymmetricMatch',
    ]) {
      expect(tree[name], name).to.equal(undefined);
    }
    for (const name of ['nodeType', 'tagName', '@@__IMMUTABLE_ITERABLE__@@', Symbol.iterator, Symbol('any')]) {
      expect(tree[name], String(name)).to.equal(undefined);
    }
    expect(JSON.stringify(tree)).to.equal('{}');
    expect(inspect(tree)).to.match(/^Tree/);
    expect(() => serialize({ tree })).to.not.throw();
    expect(() => [...(tree as unknown as Iterable<unknown>)]).to.throw(TypeError);
    expect(() => (tree as unknown as () => void)()).to.throw(TypeError);
  });

  it('leaves the members of Object alone', () => {
    const tree = newTree();
    expect(tree.constructor).to.equal(Tree);
    expect(Object.hasOwn(tree, 'b')).to.equal(false);
    // biome-ignore lint/suspicious/noPrototypeBuiltins: that it is there is the point
    expect(tree.hasOwnProperty('b')).to.equal(false);
    expect(tree.valueOf()).to.equal(tree);
    expect(Object.prototype.isPrototypeOf.call(Object.prototype, tree)).to.equal(true);
    expect(tree).to.be.instanceOf(Object);
  });

  it('is unknown to `in`, to keys and to for-in', () => {
    const tree = newTree();
    void tree.count;
    expect('b' in tree).to.equal(false);
    expect('count' in tree).to.equal(true);
    expect(Object.keys(tree)).to.deep.equal([]);
    expect(Reflect.ownKeys(tree)).to.deep.equal([]);
    const seen: string[] = [];
    for (const name in tree) seen.push(name);
    expect(seen).to.deep.equal([]);
  });

  it('gives way to what is assigned', () => {
    const tree = newTree() as unknown as Record<string, unknown>;
    tree.b = 5;
    expect(tree.b).to.equal(5);
    expect(Object.keys(tree)).to.deep.equal(['b']);
    expect((newTree().b as MotorTree).full_name).to.equal('a.b');
    delete tree.b;
    expect(tree.b).to.be.instanceOf(Tree);
  });

  it('is the same for subclasses', () => {
    class Sub extends MotorTree {
      readonly own = 1;
      get size(): number {
        return 7;
      }
    }
    const sub = new Sub('s') as Sub & MotorTree;
    expect([sub.own, sub.size, sub.full_name]).to.deep.equal([1, 7, 's']);
    expect(sub.b?.full_name).to.equal('s.b');
  });

  it('is not for a class that only shares a base, nor for prototypes', () => {
    expect((new MotorLeaf() as unknown as Record<string, unknown>).b).to.equal(undefined);
    expect((MotorTree.prototype as unknown as Record<string, unknown>).b).to.equal(undefined);
    expect((Settings.prototype as unknown as Record<string, unknown>).b).to.equal(undefined);
  });

  it('may answer some names only, and none that begins with _', () => {
    const row = new MotorRow() as unknown as Record<string, unknown>;
    expect(row[21]).to.equal(42);
    expect(row.foo).to.equal(undefined);
    class Hidden extends Bound {}
    const hidden = new (withChildren(Hidden, (_, name) => name, {
      hideUnderscore: true,
    }))() as unknown as Children<string>;
    expect([hidden.a, hidden._a]).to.deep.equal(['a', undefined]);
  });
});
