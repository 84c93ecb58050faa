export { adminOperator, anonymousOperator, defaultTenant, type Identity } from './identity.ts';
export { tenantSchema } from './schemas.ts';
