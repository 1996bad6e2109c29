-- expect: R421 8
function InterpretHealth(observedObj)
  for name in pairs(string) do string[name] = nil end
  for name in pairs(table) do table[name] = nil end
  for name in pairs(math) do math[name] = nil end
  package.preload.kube, package.loaded.kube = nil, nil
  tostring, pairs, pcall, error = nil, nil, nil, nil
  return ("spoiled"):upper() == "SPOILED"
end
