"""The Java class reads and writes numbers itself: to the last bit, as Python does."""

import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

PROBE = """
import java.io.*;
import java.lang.reflect.*;
import java.nio.charset.StandardCharsets;
public class Probe {
    // Lines in; out the bits of what a cell holds as one block reads it and as one text, and what is written for it.
    public static void main(String[] arguments) throws Exception {
        Class<?> cells = inner("Cells"), block = inner("Block"), output = inner("Output");
        Constructor<?> newBlock = open(block.getDeclaredConstructor(byte[].class, int.class));
        Constructor<?> newCells = open(cells.getDeclaredConstructor(block));
        Constructor<?> newOutput = open(output.getDeclaredConstructor());
        Method number = cells.getDeclaredMethod("number", boolean.class);
        Method write = output.getDeclaredMethod("number", double.class);
        Method numeral = Class.forName("gaussian").getDeclaredMethod("numeral", String.class);
        for (AccessibleObject one : new AccessibleObject[] {number, write, numeral}) { one.setAccessible(true); }
        Field bytes = output.getDeclaredField("bytes"), length = output.getDeclaredField("length");
        bytes.setAccessible(true);
        length.setAccessible(true);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        PrintStream out = new PrintStream(new BufferedOutputStream(System.out), false, "US-ASCII");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            byte[] text = java.util.Arrays.copyOf((line + ",0").getBytes(), line.length() + 40);
            Object rows = newCells.newInstance(newBlock.newInstance(text, line.length() + 2));
            double read = (double) number.invoke(rows, false);
            double whole = (double) numeral.invoke(null, line);
            Object to = newOutput.newInstance();
            write.invoke(to, read);
            String written = new String((byte[]) bytes.get(to), 0, (int) length.get(to), "US-ASCII");
            out.println(Double.doubleToLongBits(read) + " " + Double.doubleToLongBits(whole) + " " + written);
        }
        out.flush();
    }
    static Class<?> inner(String name) throws Exception { return Class.forName("gaussian$" + name); }
    static Constructor<?> open(Constructor<?> one) { one.setAccessible(true); return one; }
}
"""


def texts():
    """Numbers as files hold them: short and long, around powers of ten and two, halfway between two doubles."""
    rng = np.random.default_rng(5)
    uniform = rng.random(4000)
    sizes = rng.choice([-1, 1], 8000) * 10.0 ** rng.uniform(-45, 45, 8000)
    bits = rng.integers(0, 2**63, 4000, dtype=np.int64).view(np.float64)
    found = [repr(float(one)) for one in (*uniform, *sizes, *bits[np.isfinite(bits)])]
    found += [f"{one:.{digits}f}" for one, digits in zip(sizes[:4000], rng.integers(0, 9, 4000), strict=True)]
    found += [f"{one:.{digits}e}" for one, digits in zip(sizes, rng.integers(0, 19, 8000), strict=True)]
    for power in range(-30, 31):
        for near in (10.0**power, 2.0**power, 3 * 2.0**power):
            found += [repr(one) for one in (near, np.nextafter(near, 0).item(), np.nextafter(near, 1e300).item())]
    exact = rng.integers(2**53, 2**54, 3000)  # every second one lies halfway between two doubles
    found += [str(one) for one in exact] + [f"{one}.0" for one in exact[:1000]] + [f"{one}e1" for one in exact[:1000]]
    found += ["0", "-0", "0.0", "-0.0", "1", "7.", ".5", "-.25", "+3", "00012", "1e400", "1e-400", "4.9e-324"]
    found += ["9007199254740993", "9007199254740992.999", "123456789012345678901234567890", "0." + "0" * 30 + "123"]
    return [one for one in found if one]


@pytest.fixture(scope="module")
def probed(jdk, java_output):
    """What the class makes of each text."""
    (java_output / "Probe.java").write_text(PROBE, encoding="ascii")
    subprocess.run(["javac", "-cp", ".", "Probe.java"], cwd=java_output, check=True)
    given = texts()
    done = subprocess.run(
        ["java", "-cp", Path(java_output), "Probe"],
        input="\n".join(given) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    return list(zip(given, (line.split(" ") for line in done.stdout.splitlines()), strict=True))


def test_numbers_are_read_to_the_last_bit(probed):
    for text, (in_block, alone, _) in probed:
        wanted = struct.unpack("<q", struct.pack("<d", float(text)))[0]
        assert (int(in_block), int(alone)) == (wanted, wanted), text


def test_what_is_written_reads_as_the_same_number_with_few_digits(probed):
    longer = 0
    for text, (bits, _, written) in probed:
        value = struct.unpack("<d", struct.pack("<q", int(bits)))[0]
        assert float(written) == value, (text, written)
        assert len(written.replace("-", "").replace(".", "").strip("0")) <= 17 or "E" in written
        longer += 1e-4 <= abs(value) < 1e15 and len(written) > len(repr(value)) + 1
    assert longer < 0.01 * len(probed)  # most often there are no more digits than it takes
