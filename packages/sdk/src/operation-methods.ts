/** Makes the methods of the client from the table of operations. */
import type { Caller } from './call.ts'
import { operations } from './generated/operations.ts'
import type { CallOptions, OperationFacts } from './operation-types.ts'

type Input = Record<string, unknown> | undefined
type Method = (...args: unknown[]) => unknown
type Methods = { [name: string]: Method | Methods }

/**
 * @param tenantId absent: the operations that are not about one tenant
 * @returns an object of the shape that the generated interfaces describe
 */
export function operationMethods(caller: Caller, tenantId?: string): Methods {
  const methods: Methods = {}
  for (const [id, facts] of Object.entries<OperationFacts>(operations)) {
    if (Boolean(facts.ofTenant) !== (tenantId !== undefined)) continue
    const [group = '', name = ''] = id.split('.')
    const isOfTenantItself = facts.ofTenant && group === 'tenants'
    if (!isOfTenantItself) methods[group] ??= {}
    const target = isOfTenantItself ? methods : (methods[group] as Methods)
    const { call, pages } = methodsOf(caller, facts, tenantId)
    target[name] = call
    if (facts.pages) target[facts.pages.method] = pages
  }
  return methods
}

/** The ids of the path, then the body or the query, then the options. */
function methodsOf(caller: Caller, facts: OperationFacts, tenantId: string | undefined) {
  const names = [...facts.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string)
  const given = names.filter((name) => name !== 'tenant_id')

  function read(args: unknown[]) {
    const path = pathOf(names, tenantId, given, args)
    const [input, options] = args.slice(given.length) as [Input, CallOptions | undefined]
    const call = (one: Input) =>
      caller.call(facts, facts.body ? { path, body: one ?? {} } : { path, query: one }, options)
    return { input, call }
  }

  return {
    call: async (...args: unknown[]) => {
      const { input, call } = read(args)
      return await call(input)
    },
    pages: async function* (...args: unknown[]) {
      const { input, call } = read(args)
      const field = facts.pages?.items as string
      for (let after = input?.after; ; ) {
        const page = (await call({ ...input, after })) as Record<string, unknown>
        yield* page[field] as unknown[]
        const next = page.next_after
        if (next === null || next === undefined || next === after) return
        after = next
      }
    },
  }
}

/** @throws TypeError for an id that would make another path, such as an empty one or `..` */
export function pathOf(
  names: readonly string[],
  tenantId: string | undefined,
  given: readonly string[],
  args: readonly unknown[],
): Record<string, string> {
  const path: Record<string, string> = {}
  for (const name of names) {
    const id = name === 'tenant_id' ? tenantId : args[given.indexOf(name)]
    if (typeof id !== 'string' || !/^[\w-]+$/.test(id)) throw new TypeError(`${name} must be an id`)
    path[name] = id
  }
  return path
}
