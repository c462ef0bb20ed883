/**
 * What the reference leaves out, and what it calls things. Members under a symbol are internals. And in the types of
 * methods stand the dual classes (`Promise<MotorCursor>`): they lead to the raw class that is documented by that name.
 */
import { Converter, ReflectionKind } from 'typedoc';

const PUBLIC = '[asyncIterator]';

export function load({ converter }) {
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
}
