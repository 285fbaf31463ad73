/** Where the document names a smaller entity than the one that is given. */
export const GIVEN_INSTEAD: Readonly<Record<string, string>> = {
  API_Entities_BasicProjectDetails: 'API_Entities_ProjectWithAccess',
  API_Entities_Project: 'API_Entities_ProjectWithAccess',
};

/**
 * Names in answers that GitLab gives although its OpenAPI document of 2025 lacks them: newer ones, and those of the
 * paid editions. By the document's name of the entity. Each is in GitLab's pages about its REST API.
 */
export const UNDOCUMENTED_NAMES: Readonly<Record<string, readonly string[]>> = {
  API_Entities_MergeRequestApprovals: [
    'id',
    'iid',
    'project_id',
    'title',
    'description',
    'state',
    'created_at',
    'updated_at',
    'merge_status',
    'require_password_to_approve',
    'suggested_approvers',
    'approvers',
    'approver_groups',
    'merge_request_approvers_available',
    'multiple_approval_rules_available',
    'invalid_approvers_rules',
  ],
  API_Entities_Member: ['public_email'],
  API_Entities_Diff: ['collapsed', 'too_large'],
  API_Entities_ProjectHook: ['token_present', 'signing_token_present'],
};
