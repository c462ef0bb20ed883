type Motor = typeof import('../lib/index.js');

/** Loaded late, so that nothing of it is in the processes of the other contestants. */
export async function motorClient(uri: string): Promise<InstanceType<Motor['MotorClient']>> {
  const { MotorClient } = await import('../lib/index.js');
  return new MotorClient(uri);
}
