/**
 * What the reference leaves out, and what it calls things.
 * - Members under a symbol are internals.
 * - In the types of methods stand the dual classes (`Promise<MotorCursor>`): they lead to the raw class that is
 *   documented by that name.
 * - The members of a type that is written in place need no docstring of their own if what has the type has one.
 */
import { Converter, ReflectionKind } from 'typedoc';

const PUBLIC = '[asyncIterator]';

export function load({ converter, options }) {
  converter.on(Converter.EVENT_RESOLVE_BEGIN, (context) => {
    const { project } = context;
    const checker = context.programs[0].getTypeChecker();
    for (const member of project.getReflectionsByKind(ReflectionKind.ClassMember)) {
      if (member.name.startsWith('[') && member.name !== PUBLIC) project.removeReflection(member);
    }
    for (const raw of project.getReflectionsByKind(ReflectionKind.Class)) {
      const symbol = context.getSymbolFromReflection(raw);
      const file = symbol?.declarations?.[0]?.getSourceFile();
      const dual = file && checker.getSymbolAtLocation(file)?.exports?.get(raw.name);
      if (dual && dual !== symbol) context.registerReflection(raw, dual);
    }
  });

  converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    const covered = project
      .getReflectionsByKind(ReflectionKind.Property)
      .filter((member) => !member.hasComment() && ownerOf(member)?.hasComment());
    options.setValue('intentionallyNotDocumented', [...new Set(covered.map((member) => member.getFriendlyFullName()))]);
  });
}

/** What has the type that the member stands in, if that type has no name. Nothing is asked of parameters anyway. */
function ownerOf(member) {
  let owner = member.parent;
  if (!owner?.kindOf(ReflectionKind.TypeLiteral)) return null;
  while (owner?.kindOf(ReflectionKind.TypeLiteral | ReflectionKind.Property)) owner = owner.parent;
  return owner?.kindOf(ReflectionKind.Parameter) ? null : owner;
}
