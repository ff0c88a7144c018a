// Which objects a ticket can be associated with here, and the kinds of such associations.
export const ASSOCIATED = ['contacts', 'companies', 'deals'] as const
export type Associated = (typeof ASSOCIATED)[number]

export type AssociationType = {
  category: 'HUBSPOT_DEFINED' | 'USER_DEFINED' | 'INTEGRATOR_DEFINED' | 'WORK'
  typeId: number
  label: string | null
}

const NAMES: Record<string, Associated> = {
  contact: 'contacts',
  contacts: 'contacts',
  '0-1': 'contacts',
  company: 'companies',
  companies: 'companies',
  '0-2': 'companies',
  deal: 'deals',
  deals: 'deals',
  '0-3': 'deals',
}

// HubSpot takes the singular, the plural and the type id.
export function associatedOf(name: string): Associated | null {
  const found = NAMES[name.toLowerCase()]
  return found && Object.hasOwn(NAMES, name.toLowerCase()) ? found : null
}

export const SINGULAR: Record<Associated, string> = {
  contacts: 'contact',
  companies: 'company',
  deals: 'deal',
}

export const SCOPE: Record<Associated, string> = {
  contacts: 'crm.objects.contacts.read',
  companies: 'crm.objects.companies.read',
  deals: 'crm.objects.deals.read',
}

export const PRIMARY_COMPANY: AssociationType = { category: 'HUBSPOT_DEFINED', typeId: 26, label: 'Primary' }

// HubSpot's own type of each, without a label.
export const PLAIN: Record<Associated, AssociationType> = {
  contacts: { category: 'HUBSPOT_DEFINED', typeId: 16, label: null },
  companies: { category: 'HUBSPOT_DEFINED', typeId: 339, label: null },
  deals: { category: 'HUBSPOT_DEFINED', typeId: 28, label: null },
}

// The same association seen from the other side has a type of its own.
const FROM_THE_OTHER_SIDE: Record<number, number> = { 16: 15, 26: 25, 339: 340, 28: 27 }

/** HubSpot's id of the kind of object: 0-1 contacts, 0-2 companies, 0-3 deals. */
export const typeIdOf = (to: Associated) => `0-${ASSOCIATED.indexOf(to) + 1}`
export const TICKET_TYPE = '0-5'

export type End = { type_id: string; id: number }
export type Side = {
  name: string
  from: End
  to: End
  associationTypeId: number
  associationCategory: string
}

/** An association as it is told from the ticket's side and from the other. */
export function sidesOf(ticket: number, to: Associated, other: number, primary: boolean): [Side, Side] {
  const { typeId, category } = primary ? PRIMARY_COMPANY : PLAIN[to]
  const ends: [End, End] = [
    { type_id: TICKET_TYPE, id: ticket },
    { type_id: typeIdOf(to), id: other },
  ]
  const name = SINGULAR[to].toUpperCase()
  return [
    {
      name: `TICKET_TO_${name}`,
      from: ends[0],
      to: ends[1],
      associationTypeId: typeId,
      associationCategory: category,
    },
    {
      name: `${name}_TO_TICKET`,
      from: ends[1],
      to: ends[0],
      associationTypeId: FROM_THE_OTHER_SIDE[typeId] ?? typeId,
      associationCategory: category,
    },
  ]
}

// Labels that a customer defined; some generated associations carry one beside the plain type.
export const LABELS: Record<Associated, readonly AssociationType[]> = {
  contacts: [
    { category: 'USER_DEFINED', typeId: 101, label: 'Billing contact' },
    { category: 'USER_DEFINED', typeId: 103, label: 'Technical contact' },
  ],
  companies: [{ category: 'USER_DEFINED', typeId: 105, label: 'Reseller' }],
  deals: [{ category: 'USER_DEFINED', typeId: 107, label: 'Renewal' }],
}

// The object and the type that a type id of a create request stands for.
export function typeById(typeId: number): [Associated, AssociationType] | null {
  if (typeId === PRIMARY_COMPANY.typeId) return ['companies', PRIMARY_COMPANY]
  for (const to of ASSOCIATED) {
    const found = [PLAIN[to], ...LABELS[to]].find((one) => one.typeId === typeId)
    if (found) return [to, found]
  }
  return null
}

// The name of a type in the short inline form.
export function inlineName(to: Associated, type: AssociationType): string {
  if (type.category === 'USER_DEFINED' && type.label !== null)
    return type.label.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')
  const plain = `ticket_to_${SINGULAR[to]}`
  return to === 'companies' && type.typeId !== PRIMARY_COMPANY.typeId ? `${plain}_unlabeled` : plain
}
