/** What becomes of strings that are no UTF-8. `strict` and `replace` are the business of the decoder of BSON itself. */

import { isUtf8 } from 'node:buffer';
import type { UnicodeHandler } from '../core/clientOptions';
import type { TextReading } from '../core/rereading';

/** How text is read, by the handler; undefined: the decoder does it. */
export const TEXTS: Readonly<Partial<Record<UnicodeHandler, TextReading>>> = {
  ignore: reading(() => ''),
  backslashreplace: reading((byte) => `\\x${byte.toString(16)}`),
  // A lone surrogate: half of a pair, from which the byte can be told.
  surrogateescape: reading((byte) => String.fromCharCode(0xdc00 + byte)),
};

/** @param standIn what stands for a byte that belongs to no character; it is above 0x7f always */
function reading(standIn: (byte: number) => string): TextReading {
  return (bytes) => {
    if (isUtf8(bytes)) return bytes.toString();
    let text = '';
    let from = 0;
    let at = 0;
    while (at < bytes.length) {
      const length = characterLength(bytes, at);
      if (length === 0) {
        text += bytes.toString('utf8', from, at) + standIn(bytes[at] as number);
        from = at + 1;
      }
      at += length || 1;
    }
    return text + bytes.toString('utf8', from);
  };
}

/** Bytes of the character that begins here; 0: none does. */
function characterLength(bytes: Buffer, at: number): number {
  const first = bytes[at] as number;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}
