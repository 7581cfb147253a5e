using System.Diagnostics;

namespace Lamina.Server.Control;

/// <summary>
/// Places where a test build may end itself, as a crash would: at every commit and at every external effect. In other builds no call remains.
/// </summary>
/// <remarks>
/// <para>A name has three parts, <c>what.of.when</c>: for commits <c>commit.&lt;label&gt;.before|after</c>; for an effect outside the store the
/// noun, the verb and <c>before</c> or <c>after</c>, for example <c>disk.create.before</c>, <c>vm.cont.after</c>.</para>
/// <para>Built with <c>-p:CrashPoints=true</c>. <c>LAMINA_CRASH_AT=name[:nth]</c> ends the process by SIGKILL when the name is reached
/// for the nth time (default 1); <c>LAMINA_CRASH_LOG</c> names a file to which every name reached is appended, one a line, so that a test
/// can list them all.</para>
/// </remarks>
internal static partial class CrashPoints
{
    [Conditional("CRASH_POINTS")]
    public static void Reached(string what, string of, string when) => Reach($"{what}.{of}.{when}");

    static partial void Reach(string name);
}
