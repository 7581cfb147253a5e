using Lamina.Tests.Nested;

return await NestedCommand.RunAsync(args, Console.Out);
