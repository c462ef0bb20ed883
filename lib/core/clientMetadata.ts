import * as os from 'node:os';
import { calculateObjectSize, type Document } from 'bson';
import type { DriverInfo } from './clientOptions';
import { version } from './version';

const LONGEST_METADATA = 512;

/**
 * What the server's log says of this client, cut to the 512 bytes that servers take.
 * @see Specification "MongoDB handshake", client metadata
 */
export function clientMetadata(appName: string | null, wrapper: DriverInfo | null): Document {
  const metadata: Document = {
    ...(appName === null ? {} : { application: { name: appName } }),
    driver: {
      name: joined('motor-mongo', wrapper?.name),
      version: joined(version, wrapper?.version),
    },
    os: { type: os.type(), name: process.platform, architecture: process.arch, version: os.release() },
    platform: joined(`Node.js ${process.version}, ${os.endianness()}`, wrapper?.platform),
  };
  // Given up in this order, which is the specification's.
  if (calculateObjectSize(metadata) > LONGEST_METADATA) metadata.os = { type: os.type() };
  if (calculateObjectSize(metadata) > LONGEST_METADATA) delete metadata.os;
  if (calculateObjectSize(metadata) > LONGEST_METADATA) delete metadata.platform;
  return metadata;
}

function joined(own: string, theirs: string | null | undefined): string {
  return theirs === null || theirs === undefined || theirs === '' ? own : `${own}|${theirs}`;
}
