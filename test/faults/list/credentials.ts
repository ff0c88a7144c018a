/** Faults in who is let in: keys, the gate, the rules of the routes, and open mode. */
import type { Fault } from '../fault.ts'

const gate = 'test/http/gate.test.ts'

export const credentials: Fault[] = [
  {
    name: 'admin-key-by-its-beginning',
    file: 'src/tenants/authenticate.ts',
    find: 'timingSafeEqual(digest(given), expected)',
    put: 'adminKey.reveal().startsWith(given)',
    test: 'test/http/closed-mode.test.ts',
    gain: 'one guessed letter opens every tenant',
  },
  {
    name: 'admin-key-compared-in-plain',
    file: 'src/tenants/authenticate.ts',
    find: 'timingSafeEqual(digest(given), expected)',
    put: 'given === adminKey.reveal()',
    test: 'test/tenants/authenticate.test.ts',
    gain: 'the time of the answer tells how many letters were right',
  },
  {
    name: 'gate-left-open-on-one-route',
    file: 'src/issues/problem-routes.ts',
    find: `config: { access: 'read' },`,
    put: `config: { access: 'public' },`,
    test: gate,
    gain: 'anybody reads which tickets of a tenant could not be kept',
  },
  {
    name: 'route-without-a-rule',
    file: 'src/http/gate.ts',
    find: 'if (!access) throw new Error(',
    put: 'if (!access) console.error(',
    test: gate,
    gain: 'a route that somebody forgot to guard is served',
  },
  {
    name: 'another-tenants-path',
    file: 'src/http/gate.ts',
    find: '!owns(principal, parseTenantId(asked))',
    put: '!parseTenantId(asked)',
    test: gate,
    gain: 'a credential of one tenant opens the paths of all',
  },
  {
    name: 'scope-not-asked',
    file: 'src/http/gate.ts',
    find: 'if (!mayDo(principal, access)) throw insufficientScope(access)',
    put: '',
    test: gate,
    gain: 'a credential for reading disconnects and purges',
  },
  {
    name: 'operators-route-for-tenants',
    file: 'src/http/gate.ts',
    find: `if (!mayAdminister(principal)) throw insufficientScope('admin')`,
    put: '',
    test: gate,
    gain: 'a tenant does what only the operator may',
  },
  {
    name: 'host-not-checked-in-open-mode',
    file: 'src/http/server.ts',
    find: 'if (parts.adminKey === undefined && !ownNames.test',
    put: 'if (parts.adminKey === undefined && /^$/.test',
    test: 'test/http/open-mode.test.ts',
    gain: 'a web page under a rebound name reads every tenant of a developer’s machine',
  },
  {
    name: 'open-mode-on-every-address',
    file: 'src/config.ts',
    find: 'if (openMode && !onLoopback) {',
    put: 'if (openMode && set.HOST === "") {',
    test: 'test/http/open-mode.test.ts',
    only: 'on any other address',
    gain: 'a service without a key answers the whole network',
  },
]
