/** Which of a ticket's properties are read. All of a portal's own come with the property discovery of a later step. */

/** Names from HubSpot's property API; one that an account does not define is silently absent from the answer. */
export const ticketProperties = [
  'subject',
  'content',
  'hs_pipeline',
  'hs_pipeline_stage',
  'hs_ticket_priority',
  'hs_ticket_category',
  'hubspot_owner_id',
  'hubspot_team_id',
  'createdate',
  'hs_lastmodifieddate',
  'hs_object_id',
  'closed_date',
  'time_to_close',
  'first_agent_reply_date',
  'time_to_first_agent_reply',
  'source_type',
  'hs_resolution',
  'hs_is_closed',
  'hs_num_times_contacted',
  'hs_merged_object_ids',
] as const
