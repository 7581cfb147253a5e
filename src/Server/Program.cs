using Lamina.Linux;
using Lamina.Server;

return await Laminad.RunAsync(args, BootTimeProvider.Shared, Console.Out, Console.Error);
