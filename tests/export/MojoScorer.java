import hex.genmodel.MojoModel;
import java.io.BufferedReader;
import java.io.InputStreamReader;

/** Scores rows of numbers (level indices, NaN for missing) with H2O's reader: MojoScorer MODEL < rows > predictions. */
public class MojoScorer {
    public static void main(String[] arguments) throws Exception {
        MojoModel model = MojoModel.load(arguments[0]);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        StringBuilder out = new StringBuilder();
        out.append(String.join("\t", model.getNames())).append('\n');
        for (String line; (line = lines.readLine()) != null; ) {
            String[] cells = line.split("\t");
            double[] row = new double[cells.length];
            for (int i = 0; i < cells.length; i++) row[i] = Double.parseDouble(cells[i]);
            double[] found = model.score0(row, new double[model.getPredsSize(model.getModelCategory())]);
            for (double one : found) out.append(one).append('\t');
            out.append('\n');
        }
        System.out.print(out);
    }
}
