export { type AccessControlOptions, registerAccessControl } from './access-plugin.ts';
export { type Authenticator, createAuthenticator } from './authenticator.ts';
export { wireAccess } from './wire.ts';
