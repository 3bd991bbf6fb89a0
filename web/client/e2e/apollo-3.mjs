// A hook of module resolution: what is imported with `?apollo-3` finds Apollo Client 3 in place of 4.
export function resolve(specifier, context, next) {
  if (specifier.startsWith('@apollo/client') && context.parentURL?.endsWith('?apollo-3'))
    return next(specifier.replace('@apollo/client/core', 'apollo-client-3/core/index.js'), context);
  return next(specifier, context);
}
