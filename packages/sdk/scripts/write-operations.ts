/** Writes src/generated/operations.ts: a table for the client and, with its documentation, a method per operation. Pure. */
import type { Described, Operation } from './describe-operations.ts'

const head = `/** The operations of openapi.json, written by scripts/generate.ts: \`npm run sdk\`. Do not edit. */
import type { CallOptions, InputOf, ItemOf, OperationFacts, ResultOf } from '../operation-types.ts'
`

export function writeOperations({ operations, errorCodes }: Described): string {
  return [
    head,
    'export const operations = {',
    ...operations.map(factsLine),
    '} as const satisfies Record<string, OperationFacts>',
    '',
    '/** The codes that an error of Spoke may have. A newer Spoke may have more. */',
    'export type ErrorCode =',
    ...errorCodes.map((code) => `  | '${code}'`),
    '',
    ...interfaceOf(
      'RootOperations',
      'Operations that are not about one tenant.',
      operations.filter((one) => !one.ofTenant),
      () => false,
    ),
    '',
    ...interfaceOf(
      'TenantOperations',
      'Operations of one tenant, whose id is given by `spoke.tenant(id)`.',
      operations.filter((one) => one.ofTenant),
      isOfTenantItself,
    ),
    '',
  ].join('\n')
}

/** `tenants.get` of a tenant is \`tenant.get()\` and not `tenant.tenants.get()`. */
const isOfTenantItself = ({ id }: Operation) => id.startsWith('tenants.')

function factsLine({ id, method, path, ofTenant, body, idempotent, json, pages }: Operation): string {
  const facts = [
    `method: '${method}'`,
    `path: '${path}'`,
    ...(ofTenant ? ['ofTenant: true'] : []),
    ...(body ? [`body: '${body}'`] : []),
    ...(idempotent ? ['idempotent: true'] : []),
    ...(json ? ['json: true'] : []),
    ...(pages ? [`pages: { method: '${pages.method}', items: '${pages.items}' }`] : []),
  ]
  return `  '${id}': { ${facts.join(', ')} },`
}

function interfaceOf(
  name: string,
  says: string,
  operations: Operation[],
  isFlat: (one: Operation) => boolean,
): string[] {
  const groups = new Map<string, string[]>()
  const flat: string[] = []
  for (const one of operations) {
    const group = one.id.split('.')[0] as string
    if (isFlat(one)) flat.push(...methodsOf(one, '  '))
    else groups.set(group, [...(groups.get(group) ?? []), ...methodsOf(one, '    ')])
  }
  return [
    `/** ${says} */`,
    `export interface ${name} {`,
    ...flat,
    ...[...groups].flatMap(([group, methods]) => [`  ${group}: {`, ...methods, '  }']),
    '}',
  ]
}

function methodsOf(operation: Operation, indent: string): string[] {
  const { id, ids, inputOptional, pages } = operation
  const name = id.split('.')[1] as string
  const mark = inputOptional ? '?' : ''
  const parameters = [
    ...ids.map((one) => `${one}: string`),
    `input${mark}: InputOf<'${id}'>`,
    'options?: CallOptions',
  ].join(', ')
  const methods = [
    ...comment(operation, '', indent),
    `${indent}${name}(${parameters}): Promise<ResultOf<'${id}'>>`,
  ]
  if (!pages) return methods
  return [
    ...methods,
    ...comment(operation, ' Reads page after page until the last.', indent),
    `${indent}${pages.method}(${parameters}): AsyncGenerator<ItemOf<'${id}', '${pages.items}'>, void, undefined>`,
  ]
}

function comment({ summary, description, method, path }: Operation, more: string, indent: string): string[] {
  const text = `${summary}.${more}${description ? ` ${description}` : ''}`.replaceAll('*/', '* /')
  return [
    `${indent}/**`,
    ...text.split('\n').map((line) => `${indent} * ${line}`.trimEnd()),
    `${indent} *`,
    `${indent} * \`${method.toUpperCase()} ${path}\``,
    `${indent} */`,
  ]
}
