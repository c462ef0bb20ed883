/** The policies of the surfaces, for tests of the core, which knows none of them. */

export { ASYNCIO_POLICY as asyncioLike } from '../../lib/asyncio/policy';
export { MOTOR_POLICY as motorLike } from '../../lib/motor/policy';
