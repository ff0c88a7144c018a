// The words behind a portal's ticket properties: HubSpot's own, and such as customers make up.
export type PropertyType =
  | 'string'
  | 'number'
  | 'date'
  | 'datetime'
  | 'enumeration'
  | 'bool'
  | 'phone_number'
  | 'object_coordinates'

export type Short = [name: string, label: string, type: PropertyType, marks?: string, options?: string[]]

// Marks: c calculated, e by an equation, u rolled up from other records, r read-only, h hidden, m multiple checkboxes, t textarea,
// o refers to an owner.
export const STANDARD: Short[] = [
  ['subject', 'Ticket name', 'string'],
  ['content', 'Ticket description', 'string', 't'],
  ['hs_pipeline', 'Pipeline', 'enumeration'],
  ['hs_pipeline_stage', 'Ticket status', 'enumeration'],
  ['hs_ticket_priority', 'Priority', 'enumeration', '', ['LOW', 'MEDIUM', 'HIGH', 'URGENT']],
  [
    'hs_ticket_category',
    'Category',
    'enumeration',
    'm',
    ['PRODUCT_ISSUE', 'BILLING_ISSUE', 'FEATURE_REQUEST', 'GENERAL_INQUIRY'],
  ],
  ['hubspot_owner_id', 'Ticket owner', 'enumeration', 'o'],
  ['hubspot_team_id', 'HubSpot team', 'enumeration', 'r'],
  ['createdate', 'Create date', 'datetime'],
  ['hs_createdate', 'Object create date/time', 'datetime', 'r'],
  ['hs_lastmodifieddate', 'Last modified date', 'datetime', 'r'],
  ['hs_object_id', 'Record ID', 'number', 'r'],
  ['hs_ticket_id', 'Ticket ID', 'number', 'cr'],
  ['closed_date', 'Close date', 'datetime'],
  ['time_to_close', 'Time to close', 'number', 'cer'],
  ['first_agent_reply_date', 'First agent email response date', 'datetime', 'cr'],
  ['time_to_first_agent_reply', 'Time to first agent email reply', 'number', 'cr'],
  ['source_type', 'Source', 'enumeration', '', ['CHAT', 'EMAIL', 'FORM', 'PHONE']],
  [
    'hs_resolution',
    'Resolution',
    'enumeration',
    '',
    ['ISSUE_FIXED', 'HOW_TO', 'NOT_REPRODUCIBLE', 'DUPLICATE'],
  ],
  ['hs_num_times_contacted', 'Number of times contacted', 'number', 'cur'],
  ['num_notes', 'Number of sales activities', 'number', 'cr'],
  ['hs_is_closed', 'Is closed', 'bool', 'cerh'],
  ['hs_is_visible_in_help_desk', 'Visible in help desk', 'bool', 'cr'],
  ['hs_helpdesk_sort_timestamp', 'Help desk sort timestamp', 'datetime', 'cerh'],
  ['hs_last_message_from_visitor', 'Last message from customer', 'bool', 'cr'],
  ['hs_object_source', 'Record source', 'string', 'r'],
  ['hs_object_source_id', 'Record source ID', 'string', 'r'],
  ['hs_object_source_label', 'Record source label', 'string', 'r'],
  ['hs_merged_object_ids', 'Merged record IDs', 'string', 'r'],
  ['hs_all_owner_ids', 'All owner IDs', 'string', 'cr'],
  ['hs_all_team_ids', 'All team IDs', 'string', 'cr'],
  ['hs_was_imported', 'Performed in an import', 'bool', 'r'],
  ['hs_updated_by_user_id', 'Updated by user ID', 'number', 'r'],
  ['hs_num_associated_companies', 'Number of associated companies', 'number', 'cur'],
  ['hs_v2_date_entered_current_stage', 'Date entered current stage', 'datetime', 'crh'],
]

export const CUSTOM_WORDS: [
  name: string,
  label: string,
  type: PropertyType,
  options?: string[] | undefined,
  fieldType?: string,
][] = [
  ['order_number', 'Order number', 'string'],
  ['affected_seats', 'Affected seats', 'number'],
  ['contract_end', 'Contract end', 'date'],
  ['region', 'Region', 'enumeration', ['emea', 'amer', 'apac', 'latam']],
  ['needs_callback', 'Needs callback', 'bool'],
  ['first_seen_at', 'First seen at', 'datetime'],
  ['product_line', 'Product line', 'enumeration', ['core', 'analytics', 'mobile', 'hardware']],
  ['environment_url', 'Environment URL', 'string'],
  ['csat_score', 'CSAT score', 'number'],
  ['escalated', 'Escalated', 'bool'],
  ['support_phone', 'Support phone', 'phone_number'],
  ['site_position', 'Site position', 'object_coordinates'],
  ['handover_notes', 'Handover notes', 'string', undefined, 'html'],
  ['severity', 'Severity', 'enumeration', ['1', '2', '3'], 'radio'],
  ['weighted_score', 'Weighted score', 'number', undefined, 'calculation_equation'],
]
