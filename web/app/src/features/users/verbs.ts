// What the events of a user are in a sentence that begins with who did it.
export const verbs: Record<string, string> = {
  UserRegistered: 'registered',
  UserProfileUpdated: 'changed the profile',
  UserPasswordChanged: 'changed the password',
  UserAvailabilityChanged: 'chose another availability',
  UserRoleChanged: 'gave another role',
  UserDeactivated: 'deactivated the account',
  UserReactivated: 'made the account active again',
  UserErased: 'erased the personal data',
};
