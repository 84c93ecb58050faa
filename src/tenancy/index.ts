export { adminOperator, anonymousOperator, type Identity } from './identity.ts';
export { tenantSchema } from './schemas.ts';
